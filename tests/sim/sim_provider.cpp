#include "sim/sim_provider.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ratebatch/base/text.hpp"

namespace ratebatch::sim {
namespace {

// What happens to a job whenever it is asked for is a property of the job, not of the moment.
std::uint64_t fate_of(const std::string& id, const std::string& what) {
  return std::stoull(fnv1a_64_hex(id + what).substr(0, 8), nullptr, 16) % 1000;
}

}  // namespace

SimProvider::Answer SimProvider::request(Now now, const std::string& scope,
                                         const std::string& model, const std::string& id,
                                         const std::string& key) {
  Account& account = accounts_[id];
  ++account.arrived;
  ++requests_;
  ++in_flight_[scope];
  constexpr Duration quick = std::chrono::milliseconds{5};
  Duration wait{};
  if (options_.server_concurrency > 0 && in_flight_[scope] > options_.server_concurrency) {
    ++account.refused;
    return {refuse("too_many_concurrent_requests", std::chrono::seconds{1}),
            std::min(quick, options_.latency_min)};
  }
  Window& window = windows_[scope];
  const bool passes = take(now.steady, window, wait);
  Answer given =
      passes ? answer(account, model, id, key) : Answer{refuse("rate_limit_exceeded", wait), quick};
  if (!passes) ++account.refused;
  if (auto* reply = std::get_if<HttpReply>(&given.result)) tell_limits(now.steady, window, *reply);
  return given;
}

SimProvider::Answer SimProvider::answer(Account& account, const std::string& model,
                                        const std::string& id, const std::string& key) {
  const Duration latency{rng_.between(options_.latency_min.count(), options_.latency_max.count())};
  const Duration quick = std::min<Duration>(latency, std::chrono::milliseconds{5});
  account.permanently_wrong = fate_of(id, "wrong") < options_.permanent_per_mille;
  if (options_.typo && !typo_mended_ && model == "model-0") {
    ++account.not_found;
    return {error(404, "model_not_found"), quick};
  }
  if (account.permanently_wrong) return {error(400, "invalid_request_error"), quick};
  if (healed_) {
    ++account.charged;
    return {content(account, id), latency};
  }
  if (key != "key-0" && rng_.chance(options_.key_refused_per_mille)) {
    return {error(401, "invalid_api_key"), quick};
  }
  const bool out = options_.outage && requests_ > 20 && requests_ < 60;
  if (out || rng_.chance(options_.error_per_mille)) {
    ++account.failed;
    constexpr std::int32_t statuses[] = {500, 502, 503, 504, 408, 529};
    return {error(statuses[rng_.below(std::size(statuses))], "server_error"), latency};
  }
  if (rng_.chance(options_.break_per_mille)) return broken(account, latency);
  ++account.charged;
  if (rng_.chance(options_.garbage_per_mille)) {
    ++account.failed;
    HttpReply reply = success(id);
    reply.body.resize(reply.body.size() / 2);
    return {reply, latency};
  }
  return {content(account, id), latency};
}

// An answer, good or bad, with links or without.
HttpReply SimProvider::content(Account& account, const std::string& id) {
  HttpReply reply = success(id);
  if (!healed_ && rng_.chance(options_.empty_per_mille)) {
    ++account.failed;
    const std::size_t at = reply.body.find("answer to");
    reply.body.erase(at, reply.body.find('"', at) - at);
    return reply;
  }
  if (!healed_ && rng_.chance(options_.refused_per_mille)) {
    ++account.rejected;
    reply.body.replace(reply.body.find("answer to"), 9, "rubbish for");
    return reply;
  }
  account.has_links = fate_of(id, "links") < options_.links_per_mille;
  account.gone = fate_of(id, "gone") < options_.fetch_gone_per_mille;
  if (account.has_links) {
    reply.headers.push_back({"x-sim-link", "https://files.sim.test/" + id});
  }
  return reply;
}

SimProvider::Answer SimProvider::download(const std::string& id, bool redirected) {
  Account& account = accounts_[id];
  const Duration latency{rng_.between(1'000'000, 400'000'000)};
  HttpReply reply;
  reply.status = 200;
  reply.headers.push_back({"content-type", "image/png"});
  reply.body = "picture";
  if (account.gone) {
    reply.status = 404;
    return {reply, latency};
  }
  if (!healed_ && rng_.chance(options_.fetch_error_per_mille)) {
    switch (rng_.below(3)) {
      case 0:
        reply.status = 503;
        return {reply, latency};
      case 1:
        return {TransferFailure{TransferFault::broken, true, 0, "simulated"}, latency};
      case 2:
        if (redirected) break;
        reply.status = 302;
        reply.headers.push_back({"location", "/moved/" + id});
        return {reply, latency};
    }
  }
  ++account.fetched;
  return {reply, latency};
}

// As OpenAI tells them.
void SimProvider::tell_limits(Instant now, const Window& window, HttpReply& reply) const {
  if (!options_.server_gives_headers || options_.algorithm == ServerAlgorithm::none) return;
  const Duration length = options_.server_window;
  const std::int64_t amount = options_.server_requests;
  std::int64_t left = 0;
  Duration full_in{};
  switch (options_.algorithm) {
    case ServerAlgorithm::none:
      return;
    case ServerAlgorithm::fixed:
      left = std::max<std::int64_t>(0, amount - window.used);
      full_in = Duration{(window.slot + 1) * length.count() - now.ns};
      break;
    case ServerAlgorithm::sliding:
      left = amount - std::ssize(window.granted);
      if (!window.granted.empty()) full_in = length - (now - window.granted.back());
      break;
    case ServerAlgorithm::bucket:
      left = window.level_ns / (length.count() / amount);
      full_in = Duration{length.count() - window.level_ns};
      break;
  }
  reply.headers.push_back({"x-ratelimit-limit-requests", std::to_string(amount)});
  reply.headers.push_back({"x-ratelimit-remaining-requests", std::to_string(left)});
  reply.headers.push_back({"x-ratelimit-reset-requests",
                           fmt::format("{}ms", std::max<std::int64_t>(1, to_ms(full_in)))});
}

SimProvider::Answer SimProvider::broken(Account& account, Duration latency) {
  ++account.failed;
  TransferFailure failure;
  failure.message = "simulated";
  switch (rng_.below(4)) {
    case 0:
      failure.fault = TransferFault::connect;
      return {failure, latency};
    case 1:
      failure.fault = TransferFault::broken;
      break;
    case 2:
      failure.fault = TransferFault::timeout;
      break;
    case 3:
      failure.fault = TransferFault::broken;
      failure.status = 200;
      break;
  }
  failure.request_sent = true;
  if (rng_.chance(500)) ++account.charged;
  return {failure, latency};
}

void SimProvider::finished(const std::string& scope) {
  auto& count = in_flight_[scope];
  count = std::max(0, count - 1);
}

bool SimProvider::take(Instant now, Window& window, Duration& wait) const {
  const Duration length = options_.server_window;
  const std::int64_t amount = options_.server_requests;
  wait = length;
  switch (options_.algorithm) {
    case ServerAlgorithm::none:
      return true;
    case ServerAlgorithm::fixed: {
      const std::int64_t slot = now.ns / length.count();
      if (slot != window.slot) window.used = 0;
      window.slot = slot;
      wait = Duration{(slot + 1) * length.count() - now.ns};
      return ++window.used <= amount;
    }
    case ServerAlgorithm::sliding:
      while (!window.granted.empty() && now - window.granted.front() >= length) {
        window.granted.pop_front();
      }
      if (static_cast<std::int64_t>(window.granted.size()) >= amount) {
        wait = length - (now - window.granted.front());
        return false;
      }
      window.granted.push_back(now);
      return true;
    case ServerAlgorithm::bucket: {
      const std::int64_t per_request = length.count() / amount;
      const std::int64_t gained = (now - window.refilled).count();
      window.level_ns = std::min(length.count(), window.level_ns + gained);
      window.refilled = now;
      wait = Duration{per_request - window.level_ns};
      if (window.level_ns < per_request) return false;
      window.level_ns -= per_request;
      return true;
    }
  }
  return true;
}

TransferResult SimProvider::refuse(const char* code, Duration wait) const {
  HttpReply reply = error(429, code);
  if (options_.server_gives_hints) {
    const std::int64_t seconds = (to_ms(wait) + 999) / 1000;
    reply.headers.push_back({"retry-after", std::to_string(std::max<std::int64_t>(1, seconds))});
  }
  return reply;
}

HttpReply SimProvider::error(std::int32_t status, const std::string& code) {
  HttpReply reply;
  reply.status = status;
  reply.body = fmt::format(
      R"({{"error":{{"message":"simulated","type":"requests","param":null,"code":"{}"}}}})", code);
  return reply;
}

HttpReply SimProvider::success(const std::string& id) const {
  HttpReply reply;
  reply.status = 200;
  reply.headers.push_back({"x-request-id", "req-" + id});
  reply.body = fmt::format(
      R"({{"choices":[{{"message":{{"role":"assistant","content":"answer to {}"}},)"
      R"("finish_reason":"stop"}}],"usage":{{"prompt_tokens":3,"completion_tokens":5}}}})",
      id);
  return reply;
}

}  // namespace ratebatch::sim
