#include "sandbox/service.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::sandbox {
namespace {

enum class Route : std::uint8_t { chat, image, models, stats, health };

struct Place {
  std::string_view path;
  std::string_view method;
  Route route;
};

constexpr std::array<Place, 5> places = {{{"/v1/chat/completions", "POST", Route::chat},
                                          {"/v1/images/generations", "POST", Route::image},
                                          {"/v1/models", "GET", Route::models},
                                          {"/stats", "GET", Route::stats},
                                          {"/healthz", "GET", Route::health}}};

Reply json_reply(int status, std::string body, std::vector<Header> headers = {}) {
  headers.push_back({"Content-Type", "application/json"});
  return {status, std::move(headers), std::move(body)};
}

void add_limit_headers(std::vector<Header>& headers, const LimitView& limit) {
  headers.push_back({"x-ratelimit-limit-requests", std::to_string(limit.limit)});
  headers.push_back({"x-ratelimit-remaining-requests", std::to_string(limit.remaining)});
  headers.push_back({"x-ratelimit-reset-requests", go_duration(limit.reset)});
}

std::string whole_seconds(Duration wait) {
  const std::int64_t seconds = (wait.count() + 999'999'999) / 1'000'000'000;
  return std::to_string(std::max<std::int64_t>(seconds, 1));
}

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

ApiError server_error(int status) {
  if (status == 503) {
    return {.status = 503,
            .message = "The engine is currently overloaded, please try again later",
            .type = "service_unavailable_error",
            .code = "server_is_overloaded"};
  }
  return {.status = 500,
          .message = "The server had an error while processing your request. Sorry about that!",
          .type = "server_error"};
}

}  // namespace

// The streams differ, so that more faults do not change the ids.
Service::Service(const SandboxOptions& options, Ledger& ledger, Instant start)
    : options_(options),
      ledger_(ledger),
      gate_(options, start),
      faults_(options.seed),
      ids_(Rng(options.seed).next()) {}

std::variant<Reply, Admitted> Service::ask(const Question& question, Now now) {
  const auto place = std::ranges::find(places, question.path, &Place::path);
  if (place == places.end()) {
    return reject(
        {.status = 404,
         .message = fmt::format("Invalid URL ({} {})", question.method, escaped(question.path))});
  }
  if (question.method != place->method) {
    Reply reply = reject({.status = 405,
                          .message = fmt::format("Not allowed to {} on {}; use {}", question.method,
                                                 place->path, place->method)});
    reply.headers.push_back({"Allow", std::string(place->method)});
    return reply;
  }
  switch (place->route) {
    case Route::chat:
      return generate(Generation::Kind::chat, question, now);
    case Route::image:
      return generate(Generation::Kind::image, question, now);
    case Route::models:
      return json_reply(200, models_body(options_));
    case Route::stats:
      return json_reply(200, stats_body(ledger_.snapshot()));
    case Route::health:
      return Reply{200, {{"Content-Type", "text/plain"}}, "ok\n"};
  }
  RB_ASSERT(false);
}

std::variant<Reply, Admitted> Service::generate(Generation::Kind kind, const Question& question,
                                                Now now) {
  if (!options_.required_key.empty() &&
      question.authorization != "Bearer " + options_.required_key) {
    return reject(
        {.status = 401, .message = "Incorrect API key provided.", .code = "invalid_api_key"});
  }
  if (question.client_id.size() > client_id_bytes_max || !is_printable_ascii(question.client_id)) {
    return reject(
        {.message = "Invalid X-Client-Request-Id: expected at most 512 ASCII characters."});
  }
  auto read = read_generation(kind, question.body);
  if (!read) return reject(read.error());

  const std::string model = read->model;
  const Decision decision = gate_.ask(model, now.steady);
  switch (decision.kind) {
    case Decision::Kind::granted:
      break;
    case Decision::Kind::rate_limited:
      RB_ASSERT(decision.shown.has_value());
      return refuse(rate_limit_error(model, *decision.shown), decision, model);
    case Decision::Kind::too_many_at_once:
      return refuse(concurrency_error(model, decision.concurrency_max), decision, model);
    case Decision::Kind::too_many_models:
      return reject({.status = 404,
                     .message = "The sandbox has seen too many different models.",
                     .code = "model_not_found"});
  }
  // Every draw is made for every request, so that one rate does not shift the others' numbers.
  Admitted admitted{.asked = std::move(*read), .fault = draw_fault(), .arrived = now.steady};
  admitted.error_status = faults_.below(2) == 0 ? 500 : 503;
  const std::int64_t jitter = options_.jitter.count();
  const Duration delay = options_.latency + Duration{faults_.between(-jitter, jitter)};
  admitted.delay = std::max(delay, Duration{});
  admitted.mark = {next_id(), now.wall};
  if (decision.shown) add_limit_headers(admitted.headers, *decision.shown);
  ledger_.granted(model, admitted.fault, std::string(question.client_id));
  return admitted;
}

Reply Service::answer(const Admitted& admitted, Instant now) const {
  RB_ASSERT(admitted.fault != Fault::reset && admitted.fault != Fault::hang);
  std::vector<Header> headers = admitted.headers;
  headers.push_back({"x-request-id", "req_" + admitted.mark.id});
  headers.push_back({"openai-organization", "org-sandbox"});
  headers.push_back({"openai-processing-ms", std::to_string(to_ms(now - admitted.arrived))});
  if (admitted.fault == Fault::error) {
    const ApiError error = server_error(admitted.error_status);
    return json_reply(error.status, error_body(error), std::move(headers));
  }
  const Generation& asked = admitted.asked;
  std::string body = asked.kind == Generation::Kind::chat
                         ? chat_body(asked, admitted.mark, options_.seed)
                         : image_body(asked, admitted.mark, options_.seed, options_.image_bytes);
  if (admitted.fault == Fault::garbage) body.resize(body.size() * 2 / 3);
  return json_reply(200, std::move(body), std::move(headers));
}

void Service::end(const Admitted& admitted, bool abandoned) {
  gate_.release(admitted.asked.model);
  ledger_.ended(admitted.asked.model, abandoned);
}

Reply Service::reject(const ApiError& error) {
  ledger_.invalid();
  return json_reply(error.status, error_body(error), {{"x-request-id", "req_" + next_id()}});
}

Reply Service::refuse(const ApiError& error, const Decision& decision, const std::string& model) {
  ledger_.refused(model);
  std::vector<Header> headers{{"x-request-id", "req_" + next_id()},
                              {"openai-organization", "org-sandbox"}};
  if (decision.shown) add_limit_headers(headers, *decision.shown);
  const Duration wait = decision.shown ? decision.shown->wait : Duration{};
  headers.push_back({"Retry-After", whole_seconds(wait)});
  return json_reply(error.status, error_body(error), std::move(headers));
}

Fault Service::draw_fault() {
  auto drawn = static_cast<std::int64_t>(faults_.below(1000));
  for (const auto& [share, fault] : {std::pair{options_.error_per_mille, Fault::error},
                                     std::pair{options_.reset_per_mille, Fault::reset},
                                     std::pair{options_.truncate_per_mille, Fault::truncate},
                                     std::pair{options_.hang_per_mille, Fault::hang},
                                     std::pair{options_.garbage_per_mille, Fault::garbage}}) {
    if (drawn < share) return fault;
    drawn -= share;
  }
  return Fault::none;
}

std::string Service::next_id() { return fmt::format("{:016x}", ids_.next()); }

}  // namespace ratebatch::sandbox
