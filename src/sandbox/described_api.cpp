#include "sandbox/described_api.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "sandbox/audio.hpp"
#include "sandbox/json_body.hpp"
#include "sandbox/openai_bodies.hpp"
#include "sandbox/openai_errors.hpp"
#include "sandbox/picture.hpp"
#include "sandbox/prose.hpp"

namespace ratebatch::sandbox {
namespace {

using Kind = Generation::Kind;

// "/NAME/what/ever": the name, decoded.
std::string name_in(std::string_view rest) {
  rest.remove_prefix(std::min<std::size_t>(1, rest.size()));
  return percent_decoded(rest.substr(0, rest.find('/')));
}

std::optional<SandboxHttpModel> find_model(const SandboxOptions& options, const std::string& name) {
  if (const auto found = options.http.find(name); found != options.http.end()) {
    return found->second;
  }
  const std::size_t slash = name.find('/');
  if (slash == std::string::npos) return std::nullopt;
  const auto found = options.http.find(name.substr(0, slash + 1));
  if (found == options.http.end()) return std::nullopt;
  const std::string id = name.substr(slash + 1);
  return SandboxHttpModel{id, kind_of_id(id), found->second.api};
}

// Where the request names a model that nobody described, its answer has this form.
HttpApi plain_api() {
  return {.result = "/output",
          .input_tokens = "/usage/input_tokens",
          .output_tokens = "/usage/output_tokens",
          .error_message = "/error/message",
          .error_code = "/error/code"};
}

Kind kind_for(ModelKind kind) {
  switch (kind) {
    case ModelKind::chat:
    case ModelKind::responses:
      return Kind::chat;
    case ModelKind::image:
      return Kind::image;
    case ModelKind::speech:
      return Kind::speech;
    case ModelKind::transcription:
      return Kind::transcription;
    case ModelKind::embedding:
    case ModelKind::raw:
      break;
  }
  return Kind::embedding;
}

// All texts of a document, one to a line: what a user sent, wherever it stands.
void collect_texts(const Json& json, std::string& out) {
  if (json.is_string()) {
    if (!out.empty()) out += '\n';
    out += json.get_ref<const std::string&>();
  }
  if (!json.is_structured()) return;
  for (const Json& member : json) collect_texts(member, out);
}

// Puts the value where the pointer says. A pointer that contradicts an earlier one is passed over:
// what it should hold is then missing, as it may be in life.
void put(Json& json, const std::string& pointer, Json value) {
  if (pointer.empty()) return;
  try {
    json[Json::json_pointer(pointer)] = std::move(value);
  } catch (const Json::exception&) {
    return;
  }
}

}  // namespace

KeyPlace DescribedApi::key_place(const Question& question, std::string_view rest) const {
  if (const auto model = find_model(options(), name_in(rest))) {
    return {model->api.key_header, model->api.key_prefix};
  }
  constexpr std::array<const char*, 4> usual = {"x-api-key", "api-key", "x-goog-api-key",
                                                "xi-api-key"};
  const auto found =
      std::ranges::find_if(usual, [&](const char* name) { return !question.header(name).empty(); });
  return found == usual.end() ? KeyPlace{"Authorization", "Bearer "} : KeyPlace{*found, ""};
}

tl::expected<Generation, Trouble> DescribedApi::read(const Question& question,
                                                     std::string_view rest) const {
  const std::string name = name_in(rest);
  if (name.empty()) return no_such_path(question);
  if (name.size() > model_name_bytes_max) return refuse("The model name is too long.");
  const auto model = find_model(options(), name);
  if (model) {
    if (auto good = expect_method(question, model->api.method); !good) {
      return tl::unexpected(good.error());
    }
  }
  Generation asked{.model = name};
  if (model) {
    asked.kind = kind_for(model->kind);
    asked.counted_as = model->id;
  }
  if (question.body.empty()) {
    asked.prompt = percent_decoded(question.path) + ' ' + percent_decoded(question.query);
  } else {
    const auto json = read_object(question.body);
    if (!json) return refuse(json.error());
    collect_texts(*json, asked.prompt);
  }
  asked.input_characters = character_count(asked.prompt);
  return asked;
}

std::vector<Header> DescribedApi::limit_headers(const Decision& /*decision*/, Now /*now*/) const {
  return {};
}

Reply DescribedApi::answer(const Generation& asked, const AnswerMark& mark) const {
  const auto model = find_model(options(), asked.model);
  const HttpApi api = model ? model->api : plain_api();
  const std::vector<Header> trace{{"x-request-id", mark.id}};
  const bool is_picture = asked.kind == Kind::image;
  const bool is_speech = asked.kind == Kind::speech;
  const std::uint64_t number = picture_number(asked, options(), 0);
  if (api.result.empty() && is_picture) {
    return {200, {{"Content-Type", "image/png"}}, picture_png(number, options().image_bytes)};
  }
  if (api.result.empty() && is_speech) {
    Audio audio = spoken(asked.prompt, "mp3", options().seed);
    return {200, {{"Content-Type", std::move(audio.content_type)}}, std::move(audio.bytes)};
  }
  const Amounts use = use_of(asked, options());
  Json body = Json::object();
  put(body, api.finish_reason, "stop");
  put(body, api.input_tokens, use[index_of(Resource::input_tokens)]);
  put(body, api.output_tokens, use[index_of(Resource::output_tokens)]);
  put(body, api.characters, use[index_of(Resource::characters)]);
  std::vector<std::uint64_t> embedded;
  if (is_picture && answers_with_links(asked, options())) {
    put(body, api.result, picture_url(mark, number));
  } else if (is_picture) {
    embedded.push_back(number);
    put(body, api.result, picture_mark());
  } else if (is_speech) {
    put(body, api.result, base64(spoken(asked.prompt, "mp3", options().seed).bytes));
  } else {
    const bool is_numbers = asked.kind == Kind::embedding;
    put(body, api.result.empty() ? "/output" : api.result,
        is_numbers ? Json::array({0.25, -0.5, 0.125}) : Json(text_for(asked, options()).text));
  }
  return json_reply(200, written_with_pictures(body, embedded, options().image_bytes), trace);
}

// Its own words are not known: a plain message, where the user says that one is found.
Reply DescribedApi::error(const Trouble& trouble, const std::string& id) const {
  const auto model = find_model(options(), trouble.model);
  const HttpApi api = model ? model->api : plain_api();
  const ApiError words = openai_error(trouble);
  Json body = Json::object();
  put(body, api.error_message.empty() ? "/error/message" : api.error_message, words.message);
  if (!words.code.empty()) put(body, api.error_code, words.code);
  Reply reply = json_reply(words.status, written(body), {{"x-request-id", id}});
  if (const auto wait = wait_of(trouble)) {
    reply.headers.push_back({"Retry-After", whole_seconds(*wait)});
  }
  return reply;
}

}  // namespace ratebatch::sandbox
