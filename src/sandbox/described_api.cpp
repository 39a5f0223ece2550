#include <algorithm>
#include <array>
#include <utility>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/base64.hpp"
#include "sandbox/api.hpp"
#include "sandbox/canned_answers.hpp"
#include "sandbox/openai.hpp"
#include "sandbox/request_reader.hpp"

namespace ratebatch::sandbox {
namespace {

using Kind = Generation::Kind;

// "/NAME/what/ever": the name, decoded.
std::string name_in(std::string_view rest) {
  rest.remove_prefix(std::min<std::size_t>(1, rest.size()));
  return percent_decoded(rest.substr(0, rest.find('/')));
}

// The model of this name, or of all of its provider; nullopt if nobody described it.
std::optional<SandboxHttpModel> find_model(const SandboxOptions& options, const std::string& name) {
  const auto [provider, id] = parted(name, '/');
  auto found = options.http.find(name);
  if (found != options.http.end()) return found->second;
  if (!id) return std::nullopt;
  found = options.http.find(std::string(provider) + '/');
  if (found == options.http.end()) return std::nullopt;
  return SandboxHttpModel{std::string(*id), kind_of_id(*id), found->second.api};
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
  if (kind == ModelKind::chat || kind == ModelKind::responses) return Kind::chat;
  if (kind == ModelKind::image) return Kind::image;
  if (kind == ModelKind::speech) return Kind::speech;
  return kind == ModelKind::transcription ? Kind::transcription : Kind::embedding;
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

// The headers that keys usually come in, where nobody described the model.
constexpr std::array<const char*, 4> usual_key_headers = {"x-api-key", "api-key", "x-goog-api-key",
                                                          "xi-api-key"};

class DescribedApi final : public Api {
 public:
  using Api::Api;

  [[nodiscard]] KeyPlace key_place(const Question& question, std::string_view rest) const override {
    if (const auto model = find_model(options(), name_in(rest))) {
      return {model->api.key_header, model->api.key_prefix};
    }
    for (const char* const name : usual_key_headers) {
      if (!question.header(name).empty()) return {name, ""};
    }
    return Api::key_place(question, rest);
  }

  [[nodiscard]] ReadRequest read(const Question& question, std::string_view rest) const override {
    const std::string name = name_in(rest);
    if (name.empty()) return no_such_path(question);
    const auto model = find_model(options(), name);
    RequestReader in(question, {}, model ? model->api.method : question.method);
    in.set_model(name, "The model name is too long.");
    if (model) {
      in.asked.kind = kind_for(model->kind);
      in.asked.counted_as = model->id;
    }
    if (question.body.empty()) {
      in.asked.prompt = percent_decoded(question.path) + ' ' + percent_decoded(question.query);
    } else {
      in.read_json();
      collect_texts(in.json(), in.asked.prompt);
    }
    in.count_text(in.asked.prompt);
    return in.take();
  }

  [[nodiscard]] Reply answer(const Generation& asked, const AnswerMark& mark) const override {
    const HttpApi api = api_of(asked.model);
    const bool is_picture = asked.kind == Kind::image;
    const bool is_speech = asked.kind == Kind::speech;
    const std::uint64_t number = picture_number(asked, options(), 0);
    const auto png = [&] { return picture_png(number, options().image_bytes); };
    const auto audio = [&] { return spoken(asked.prompt, "mp3", options().seed); };
    if (api.result.empty() && is_picture) return {200, {{"Content-Type", "image/png"}}, png()};
    if (api.result.empty() && is_speech) return audio();
    const Amounts use = use_of(asked, options());
    Json body = Json::object();
    put(body, api.finish_reason, "stop");
    put(body, api.input_tokens, use[index_of(Resource::input_tokens)]);
    put(body, api.output_tokens, use[index_of(Resource::output_tokens)]);
    put(body, api.characters, use[index_of(Resource::characters)]);
    Json result;
    if (is_picture) {
      const bool links = answers_with_links(asked, options());
      result = links ? picture_url(mark, number) : encode_base64(png());
    } else if (is_speech) {
      result = encode_base64(audio().body);
    } else if (asked.kind == Kind::embedding) {
      result = {0.25, -0.5, 0.125};
    } else {
      result = text_for(asked, options()).text;
    }
    put(body, api.result.empty() ? "/output" : api.result, std::move(result));
    return json_reply(200, json::written(body), {{"x-request-id", mark.id}});
  }

  // Its own words are not known: a plain message, where the user says that one is found.
  [[nodiscard]] Reply error(const Trouble& trouble, const std::string& id) const override {
    const HttpApi api = api_of(trouble.model);
    const ApiError words = openai_error(trouble);
    Json body = Json::object();
    put(body, api.error_message.empty() ? "/error/message" : api.error_message, words.message);
    if (!words.code.empty()) put(body, api.error_code, words.code);
    Reply reply = json_reply(words.status, json::written(body), {{"x-request-id", id}});
    add_wait(reply, "Retry-After", trouble);
    return reply;
  }

 private:
  [[nodiscard]] HttpApi api_of(const std::string& name) const {
    const auto model = find_model(options(), name);
    return model ? model->api : plain_api();
  }
};

}  // namespace

std::unique_ptr<Api> make_described_api(const SandboxOptions& options) {
  return std::make_unique<DescribedApi>(options, "http", KeyPlace{"Authorization", "Bearer "});
}

}  // namespace ratebatch::sandbox
