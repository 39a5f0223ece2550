#include "sandbox/limiter.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::sandbox {
namespace {

bool has_calendar(const Limit& limit) {
  return limit.is_long() && limit.reset.kind != Reset::Kind::rolling;
}

bool is_day_compressed(const SandboxOptions& options) {
  return options.day != std::chrono::hours{24};
}

// A burst is meant for paces: a quota of a day is not handed out by the minute.
std::int64_t most_at_once(const Limit& limit, const SandboxOptions& options) {
  const bool bursts = options.algorithm == LimitAlgorithm::bucket && options.burst &&
                      limit.resource == Resource::requests && !limit.is_long();
  return bursts ? std::min(*options.burst, limit.amount) : limit.amount;
}

Duration enforced_window(const Limit& limit, const SandboxOptions& options) {
  return compressed({.concurrency = {}, .windows = {limit}}, options).windows.front().window;
}

// A refusal for a day means another thing than one for a minute, however short the day is.
LimitTerms terms_of(const Limit& limit, const SandboxOptions& options, const char* prefix) {
  return {.name = prefix + limit.name,
          .resource = limit.resource,
          .amount = limit.amount,
          .window = limit.is_long() ? limit.window : enforced_window(limit, options),
          .most = most_at_once(limit, options)};
}

}  // namespace

Limiter::Way Limiter::make_way(const Limit& limit, const SandboxOptions& options, std::int64_t most,
                               Now start) {
  const Duration window = enforced_window(limit, options);
  if (has_calendar(limit)) {
    if (is_day_compressed(options)) return FixedWindow(limit.amount, window, start.steady);
    return CalendarWindow(limit.amount, limit.reset, start.wall);
  }
  switch (options.algorithm) {
    case LimitAlgorithm::fixed:
      return FixedWindow(limit.amount, window, start.steady);
    case LimitAlgorithm::sliding:
      return SlidingLog(limit.amount, window);
    case LimitAlgorithm::bucket:
      return TokenBucket(limit.amount, window, most, start.steady);
  }
  RB_ASSERT(false);
}

Limiter::Limiter(const Limit& limit, const SandboxOptions& options, Now start, const char* prefix)
    : terms_(terms_of(limit, options, prefix)),
      way_(make_way(limit, options, terms_.most, start)) {}

LimitView Limiter::view(Now now, std::int64_t cost) {
  RB_ASSERT(cost >= 1);
  return {&terms_, cost, std::visit([&](auto& way) { return way.read(now, cost); }, way_)};
}

Ticket Limiter::take(Now now, std::int64_t cost) {
  RB_ASSERT(view(now, cost).fits());
  return std::visit([&](auto& way) { return way.take(now, cost); }, way_);
}

void Limiter::correct(Ticket ticket, Now now, std::int64_t difference) {
  std::visit([&](auto& way) { way.correct(ticket, now, difference); }, way_);
}

}  // namespace ratebatch::sandbox
