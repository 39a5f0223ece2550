// A limit on how many requests are in flight at once, which adapts to what the server takes.
//
// Two bounds: the limit, lowered by refusals for too many at once, or where fewer overload the
// server less (see overload_search.hpp), and raised by successes up to the configured or announced
// maximum; and a ramp after a rest, which begins with one request and grows by one with each
// success, so that waiting jobs never start at one instant.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ratebatch/base/time.hpp"
#include "ratebatch/quota/overload_search.hpp"

namespace ratebatch::quota {

// A raise that a refusal answered is tried again after twice as many successes, at most this many
// times the limit.
constexpr std::int64_t raise_patience_max = 64;

// What was learned downwards does not outlive this time without another sign of it.
constexpr Duration lowered_max = std::chrono::minutes{10};

class ConcurrencyLimit {
 public:
  // No maximum: bounded only by what was learned.
  explicit ConcurrencyLimit(std::optional<std::int32_t> max);

  [[nodiscard]] bool full() const;
  [[nodiscard]] std::int32_t in_flight() const { return in_flight_; }
  // The present limit; nullopt if there is none.
  [[nodiscard]] std::optional<std::int32_t> limit() const { return limit_; }
  // Below what is configured or announced.
  [[nodiscard]] bool lowered() const { return limit_.has_value() && limit_ != max_; }

  // A request starts. Precondition: not full.
  void enter(Instant now);

  // Precondition: an enter without its leave.
  void leave();

  // The server announced how many it takes: never more than configured.
  void announced(std::int32_t max);

  // The request started at `started` was refused because of too many at once: lowered by one; once
  // per round trip, never below one.
  void refused(Instant started, Instant now);

  // The request started at `started` found the server overloaded, or had an answer, or came to
  // something else (also: never left).
  void overloaded(Instant started, Instant now);
  void succeeded(Instant started, Instant now);
  void ended_otherwise(Instant started, Instant now);

  // The next starts begin with one request, and more with each success.
  void begin_ramp() { ramp_ = 1; }

  // The server was away, not overloaded: as it was before it went.
  // Without a mark (it went before this run) nothing changes.
  void mark();
  void back_to_mark();

  // Forgets what was learned and announced; what is in flight stays.
  void reset();

  // What was learned, as text (empty if nothing was), and back.
  [[nodiscard]] std::string store() const;
  bool restore(Instant now, std::string_view text);

 private:
  [[nodiscard]] std::int32_t level() const;
  void ended(Instant started, Instant now, bool overloaded);
  void lower_to(std::int32_t limit, Instant now);
  void raise(Instant now);

  std::optional<std::int32_t> configured_;
  std::optional<std::int32_t> max_;  // Configured or announced, whichever is less.
  std::optional<std::int32_t> limit_;
  bool is_marked_ = false;
  std::optional<std::int32_t> marked_;
  std::optional<std::int32_t> ramp_;
  std::int32_t in_flight_ = 0;
  std::int32_t most_in_flight_ = 1;  // Since the last change of the limit.
  OverloadSearch search_;
  std::optional<std::int32_t> before_search_;  // The limit.
  std::int64_t successes_ = 0;                 // Since the last change of the limit.
  std::int64_t patience_ = 1;
  std::optional<std::int32_t> before_raise_;  // The limit, where its last change was a raise.
  Instant lowered_at_ = long_ago;
};

}  // namespace ratebatch::quota
