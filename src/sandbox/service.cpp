#include "sandbox/service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/assert.hpp"
#include "sandbox/api.hpp"
#include "sandbox/canned_answers.hpp"
#include "sandbox/json_body.hpp"
#include "sandbox/openai.hpp"

namespace ratebatch::sandbox {
namespace {

constexpr std::string_view files_path = "/files/";

// What a download must not carry.
constexpr std::array<const char*, 5> key_headers = {"Authorization", "x-api-key", "x-goog-api-key",
                                                    "xi-api-key", "api-key"};

std::vector<std::unique_ptr<Api>> make_apis(const SandboxOptions& options) {
  std::vector<std::unique_ptr<Api>> apis;
  for (const auto make : {make_openai_api, make_together_api, make_anthropic_api, make_gemini_api,
                          make_elevenlabs_api, make_described_api}) {
    apis.push_back(make(options));
  }
  return apis;
}

// In the form of OpenAI's list of models.
std::string models_body(const SandboxOptions& options) {
  Json list = Json::array();
  for (const auto& [model, limits] : options.models) {
    list.push_back({{"id", model}, {"object", "model"}, {"created", 0}, {"owned_by", "sandbox"}});
  }
  return json::written(Json{{"object", "list"}, {"data", std::move(list)}});
}

// The path behind `prefix`, from its slash on.
std::optional<std::string_view> behind(std::string_view path, const std::string& prefix) {
  if (!path.starts_with(prefix) || !path.substr(prefix.size()).starts_with('/')) {
    return std::nullopt;
  }
  return path.substr(prefix.size());
}

// "0123456789abcdef.png"
std::optional<std::uint64_t> number_of_picture(std::string_view name) {
  const bool is_picture = name.size() == 20 && name.ends_with(".png");
  return is_picture ? whole_number<std::uint64_t>(name.substr(0, 16), 16) : std::nullopt;
}

std::string files_url(const Question& question) {
  const std::string_view host = question.header("Host");
  return fmt::format("http://{}{}", host.empty() ? "127.0.0.1" : host, files_path);
}

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

Reply text_reply(int status, std::string text) {
  return {status, {{"Content-Type", "text/plain"}}, std::move(text)};
}

}  // namespace

// The streams differ, so that more faults do not change the ids.
Service::Service(const SandboxOptions& options, Ledger& ledger, Now start, Script script)
    : options_(options),
      ledger_(ledger),
      start_(start.steady),
      gate_(options, start),
      script_(std::move(script)),
      apis_(make_apis(options)),
      faults_(options.seed),
      ids_(Rng(options.seed).next()),
      downloads_(Rng(options.seed + 1).next()) {}

std::variant<Reply, Admitted> Service::ask(const Question& question, Now now) {
  if (auto reply = own_reply(question)) return std::move(*reply);
  if (auto reply = scripted_reply(question)) return std::move(*reply);
  const auto found = find_api(question.path);
  if (!found) return reject(*apis_.front(), no_such_path(question).value());
  // Behind /http a model may be called so.
  const bool is_list = found->rest == "/models" && found->api != apis_.back().get();
  if (!is_list) return generate(*found, question, now);
  if (const auto wrong = check_method(question, "GET")) return reject(*found->api, *wrong);
  return json_reply(200, models_body(options_));
}

// What the sandbox says of itself, and the pictures it announced.
std::optional<Reply> Service::own_reply(const Question& question) {
  const bool is_get = question.method == "GET";
  if (is_get && question.path == "/stats") return json_reply(200, ledger_.stats_body());
  if (is_get && question.path == "/healthz") return text_reply(200, "ok\n");
  if (!is_get || !question.path.starts_with(files_path)) return std::nullopt;
  return picture(question, question.path.substr(files_path.size()));
}

Reply Service::picture(const Question& question, std::string_view name) {
  const bool has_key = std::ranges::any_of(
      key_headers, [&](const char* header) { return !question.header(header).empty(); });
  if (has_key) {
    ledger_.count(&SandboxStats::keys_leaked);
    return text_reply(400, "This address takes no key: a client must not send one here.\n");
  }
  const auto number = number_of_picture(name);
  if (!number) {
    ledger_.count(&SandboxStats::invalid);
    return text_reply(404, "There is no such file.\n");
  }
  if (downloads_.chance(static_cast<std::uint64_t>(options_.link_error_per_mille))) {
    ledger_.count_links(&SandboxLinkStats::failed);
    return text_reply(503, "The file cannot be had at this moment.\n");
  }
  ledger_.count_links(&SandboxLinkStats::served);
  return {200, {{"Content-Type", "image/png"}}, picture_png(*number, options_.image_bytes)};
}

std::optional<Reply> Service::scripted_reply(const Question& question) {
  const ScriptedReply* scripted = script_.next(question);
  if (scripted == nullptr) return std::nullopt;
  const int status = scripted->reply.status;
  ledger_.scripted(scripted->name, status >= 200 && status <= 299,
                   std::string(question.header("X-Client-Request-Id")));
  return scripted->reply;
}

std::optional<Service::Found> Service::find_api(std::string_view path) const {
  if (const auto rest = behind(path, "/v1")) return Found{apis_.front().get(), *rest};
  if (const auto rest = behind(path, "/http")) return Found{apis_.back().get(), *rest};
  for (const auto& api : apis_) {
    const auto rest = behind(path, fmt::format("/{}/v1", api->name()));
    if (rest) return Found{api.get(), *rest};
  }
  return std::nullopt;
}

std::optional<Trouble> Service::check_sender(const Found& found, const Question& question) const {
  if (!options_.required_key.empty()) {
    const KeyPlace place = found.api->key_place(question, found.rest);
    if (question.header(place.header) != place.prefix + options_.required_key) {
      return Trouble{.kind = Trouble::Kind::wrong_key};
    }
  }
  const std::string_view client_id = question.header("X-Client-Request-Id");
  if (client_id.size() > client_id_bytes_max || !is_printable_ascii(client_id)) {
    return Trouble{.message =
                       "Invalid X-Client-Request-Id: expected at most 512 ASCII characters."};
  }
  return std::nullopt;
}

bool Service::is_in_outage(const Generation& asked, Instant now) const {
  if (!options_.outage) return false;
  const SandboxOutage& outage = *options_.outage;
  const bool concerns =
      outage.model.empty() || outage.model == asked.model || outage.model == asked.counted_as;
  return concerns && now >= start_ + outage.from && now < start_ + outage.until;
}

std::variant<Reply, Admitted> Service::generate(const Found& found, const Question& question,
                                                Now now) {
  if (const auto fault = check_sender(found, question)) return reject(*found.api, *fault);
  auto read = found.api->read(question, found.rest);
  if (!read) return reject(*found.api, read.error());
  if (read->counted_as.empty()) read->counted_as = read->model;
  std::string apart = fmt::format("{}/{}", found.api->name(), read->counted_as);
  if (options_.models.contains(apart)) read->counted_as = std::move(apart);
  if (is_in_outage(*read, now.steady)) {
    ledger_.count(&SandboxStats::outage);
    return found.api->error({.kind = Trouble::Kind::overloaded, .model = read->model}, next_id());
  }
  return decide(found, std::move(*read), question, now);
}

std::variant<Reply, Admitted> Service::decide(const Found& found, Generation asked,
                                              const Question& question, Now now) {
  const Api& api = *found.api;
  const Amounts use = use_of(asked, options_);
  const Cost cost = api.cost(asked, use);
  // A key is one of its API only.
  const std::string_view key = question.header(api.key_place(question, found.rest).header);
  Decision decision =
      gate_.ask(fmt::format("{} {}", api.name(), key), asked.counted_as, cost.reserved, now);
  switch (decision.kind) {
    case Decision::Kind::granted:
      break;
    case Decision::Kind::rate_limited:
    case Decision::Kind::too_large:
    case Decision::Kind::too_many_at_once:
      return refuse(api, decision, asked, now);
    case Decision::Kind::too_many_models:
      return reject(api, {.kind = Trouble::Kind::not_found,
                          .message = "The sandbox has seen too many different models and keys.",
                          .code = "model_not_found"});
  }
  Admitted admitted = admit(api, std::move(asked), std::move(decision), now);
  admitted.use = use;
  admitted.charged = cost.settled;
  admitted.mark.files_url = files_url(question);
  ledger_.granted(admitted.customer, use[index_of(Resource::tokens)], admitted.fault,
                  std::string(question.header("X-Client-Request-Id")), now.steady);
  return admitted;
}

// Every draw is made for every request, so that one rate does not shift the others' numbers.
Admitted Service::admit(const Api& api, Generation asked, Decision decision, Now now) {
  Admitted admitted{
      .api = &api, .asked = std::move(asked), .fault = draw_fault(), .arrived = now.steady};
  admitted.error = faults_.below(2) == 0 ? Trouble::Kind::failed : Trouble::Kind::overloaded;
  const std::int64_t jitter = options_.jitter.count();
  const Duration delay = options_.latency + Duration{faults_.between(-jitter, jitter)};
  admitted.delay = std::max(delay, Duration{});
  admitted.mark.id = next_id();
  admitted.mark.created = now.wall;
  admitted.headers = limit_headers(api, decision, now);
  admitted.customer = {admitted.asked.counted_as, std::move(decision.key_name)};
  admitted.grant = std::move(decision.grant);
  return admitted;
}

Reply Service::answer(const Admitted& admitted, Instant now) const {
  RB_ASSERT(admitted.fault != Fault::reset && admitted.fault != Fault::hang);
  const Api& api = *admitted.api;
  AnswerMark mark = admitted.mark;
  mark.took = now - admitted.arrived;
  Reply reply = admitted.fault == Fault::error
                    ? api.error({.kind = admitted.error, .model = admitted.asked.model}, mark.id)
                    : api.answer(admitted.asked, mark);
  if (admitted.fault == Fault::garbage) {
    const bool is_json = value_of(reply.headers, "Content-Type") == "application/json";
    if (is_json) {
      reply.body.resize(reply.body.size() * 2 / 3);
    } else {
      reply = json_reply(200, R"({"bytes":"cut off)");
    }
  }
  reply.headers.insert(reply.headers.end(), admitted.headers.begin(), admitted.headers.end());
  if (answers_with_links(admitted.asked, options_) && admitted.fault == Fault::none) {
    const bool has_links = reply.body.find(mark.files_url) != std::string::npos;
    if (has_links) ledger_.count_links(&SandboxLinkStats::announced, admitted.asked.pictures);
  }
  return reply;
}

void Service::end(const Admitted& admitted, bool abandoned, Now now) {
  gate_.end(admitted.grant, admitted.charged, now);
  ledger_.ended(admitted.customer, abandoned);
}

Reply Service::misdirected() {
  return reject(*apis_.front(),
                {.kind = Trouble::Kind::misdirected,
                 .message = "The sandbox answers requests to 127.0.0.1 or localhost only."});
}

Reply Service::reject(const Api& api, const Trouble& trouble) {
  ledger_.count(&SandboxStats::invalid);
  Reply reply = api.error(trouble, next_id());
  if (!trouble.allowed.empty()) reply.headers.push_back({"Allow", trouble.allowed});
  return reply;
}

Reply Service::refuse(const Api& api, const Decision& decision, const Generation& asked, Now now) {
  const bool never_fits = decision.kind == Decision::Kind::too_large;
  Trouble trouble{.kind = never_fits ? Trouble::Kind::never_fits : Trouble::Kind::rate_limited,
                  .model = asked.model,
                  .limit = decision.refusing,
                  .concurrency_max = decision.concurrency_max.value_or(0),
                  .tells_numbers = options_.headers};
  if (!decision.refusing) trouble.kind = Trouble::Kind::too_many_at_once;
  Reply reply = api.error(trouble, next_id());
  for (Header& header : limit_headers(api, decision, now)) {
    reply.headers.push_back(std::move(header));
  }
  ledger_.refused({asked.counted_as, decision.key_name},
                  decision.refusing ? decision.refusing->terms->name : "concurrency");
  return reply;
}

std::vector<Header> Service::limit_headers(const Api& api, const Decision& decision,
                                           Now now) const {
  return options_.headers ? api.limit_headers(decision, now) : std::vector<Header>{};
}

Fault Service::draw_fault() {
  auto drawn = static_cast<std::int32_t>(faults_.below(1000));
  for (const FaultRow& row : fault_rows) {
    if (drawn < options_.*row.per_mille) return row.fault;
    drawn -= options_.*row.per_mille;
  }
  return Fault::none;
}

std::string Service::next_id() { return fmt::format("{:016x}", ids_.next()); }

}  // namespace ratebatch::sandbox
