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

void add_triple(std::vector<Header>& headers, std::string_view resource,
                const std::optional<LimitView>& limit) {
  if (!limit) return;
  const auto add = [&](std::string_view what, std::string value) {
    headers.push_back({fmt::format("x-ratelimit-{}-{}", what, resource), std::move(value)});
  };
  add("limit", std::to_string(limit->terms->most));
  add("remaining", std::to_string(std::max<std::int64_t>(limit->reading.room, 0)));
  add("reset", go_duration(limit->reading.reset));
}

std::string whole_seconds(Duration wait) {
  const std::int64_t seconds = (wait.count() + 999'999'999) / 1'000'000'000;
  return std::to_string(std::max<std::int64_t>(seconds, 1));
}

bool is_printable_ascii(std::string_view text) {
  return std::ranges::all_of(text, [](char c) { return c >= ' ' && c <= '~'; });
}

}  // namespace

// The streams differ, so that more faults do not change the ids.
Service::Service(const SandboxOptions& options, Ledger& ledger, Now start)
    : options_(options),
      ledger_(ledger),
      start_(start.steady),
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

std::optional<ApiError> Service::fault_of_sender(const Question& question) const {
  if (!options_.required_key.empty() &&
      question.authorization != "Bearer " + options_.required_key) {
    return ApiError{
        .status = 401, .message = "Incorrect API key provided.", .code = "invalid_api_key"};
  }
  if (question.client_id.size() > client_id_bytes_max || !is_printable_ascii(question.client_id)) {
    return ApiError{.message =
                        "Invalid X-Client-Request-Id: expected at most 512 ASCII characters."};
  }
  return std::nullopt;
}

bool Service::is_out(const std::string& model, Instant now) const {
  if (!options_.outage) return false;
  const SandboxOutage& outage = *options_.outage;
  const bool concerns = outage.model.empty() || outage.model == model;
  return concerns && now >= start_ + outage.from && now < start_ + outage.until;
}

std::variant<Reply, Admitted> Service::generate(Generation::Kind kind, const Question& question,
                                                Now now) {
  if (const auto fault = fault_of_sender(question)) return reject(*fault);
  auto read = read_generation(kind, question.body);
  if (!read) return reject(read.error());
  if (is_out(read->model, now.steady)) {
    ledger_.outage();
    return json_reply(503, error_body(server_error(503)), {{"x-request-id", "req_" + next_id()}});
  }
  return decide(std::move(*read), question, now);
}

std::variant<Reply, Admitted> Service::decide(Generation asked, const Question& question, Now now) {
  const Amounts use = use_of(asked, options_.seed);
  const bool reserves = options_.token_count == TokenCount::reserve;
  Decision decision =
      gate_.ask(question.authorization, asked.model, reserves ? reserve_of(asked, use) : use, now);
  switch (decision.kind) {
    case Decision::Kind::granted:
      break;
    case Decision::Kind::rate_limited:
    case Decision::Kind::too_large:
    case Decision::Kind::too_many_at_once:
      return refuse(decision, asked.model);
    case Decision::Kind::too_many_models:
      return reject({.status = 404,
                     .message = "The sandbox has seen too many different models and keys.",
                     .code = "model_not_found"});
  }
  Admitted admitted = admit(std::move(asked), use, std::move(decision), now);
  ledger_.granted(admitted.customer, use[index_of(Resource::tokens)], admitted.fault,
                  std::string(question.client_id), now.steady);
  return admitted;
}

// Every draw is made for every request, so that one rate does not shift the others' numbers.
Admitted Service::admit(Generation asked, const Amounts& use, Decision decision, Now now) {
  Admitted admitted{.asked = std::move(asked), .fault = draw_fault(), .arrived = now.steady};
  admitted.error_status = faults_.below(2) == 0 ? 500 : 503;
  const std::int64_t jitter = options_.jitter.count();
  const Duration delay = options_.latency + Duration{faults_.between(-jitter, jitter)};
  admitted.delay = std::max(delay, Duration{});
  admitted.mark = {next_id(), now.wall};
  add_limit_headers(admitted.headers, decision);
  admitted.customer = {admitted.asked.model, std::move(decision.key_name)};
  admitted.grant = std::move(decision.grant);
  admitted.use = use;
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

void Service::end(const Admitted& admitted, bool abandoned, Now now) {
  gate_.end(admitted.grant, admitted.use, now);
  ledger_.ended(admitted.customer, abandoned);
}

Reply Service::reject(const ApiError& error) {
  ledger_.invalid();
  return json_reply(error.status, error_body(error), {{"x-request-id", "req_" + next_id()}});
}

Reply Service::refuse(const Decision& decision, const std::string& model) {
  const Telling telling = options_.headers ? Telling::numbers : Telling::name;
  std::vector<Header> headers{{"x-request-id", "req_" + next_id()},
                              {"openai-organization", "org-sandbox"}};
  add_limit_headers(headers, decision);
  // What never fits need not be tried again.
  if (options_.headers && decision.kind != Decision::Kind::too_large) {
    const Duration wait = decision.refusing ? decision.refusing->reading.wait : Duration{};
    headers.push_back({"Retry-After", whole_seconds(wait)});
  }
  ApiError error;
  if (!decision.refusing) {
    error = concurrency_error(model, decision.concurrency_max);
  } else if (decision.kind == Decision::Kind::too_large) {
    error = too_large_error(model, *decision.refusing, telling);
  } else {
    error = rate_limit_error(model, *decision.refusing, telling);
  }
  ledger_.refused({model, decision.key_name},
                  decision.refusing ? decision.refusing->terms->name : "concurrency");
  return json_reply(error.status, error_body(error), std::move(headers));
}

void Service::add_limit_headers(std::vector<Header>& headers, const Decision& decision) const {
  if (!options_.headers) return;
  add_triple(headers, "requests", decision.requests);
  add_triple(headers, "tokens", decision.tokens);
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
