// One short limit at work: paced by GCRA, or kept as a sliding window where the server is known to
// count so; corrected by what replies say of it.
//
// Three things are laid over the plain algorithm. Where replies state what remains, that much may
// start at once whatever the shape, in bursts that at most double from the last that passed, and
// never more than the amount in any window by our own log. A refusal while our own count had room
// teaches a smaller amount, which recovers by a hundredth per clean window and is forgotten after a
// day. And what others use of the same quota, by the server's count, is left out of ours.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ratebatch/base/integers.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/limit.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/quota/rate_limiter.hpp"
#include "ratebatch/quota/window_log.hpp"

namespace ratebatch::quota {

// A reservation as this limit must know it again.
struct ShortTicket {
  Instant taken;
  Instant sent;  // Equal to `taken` until it is known.
  std::int64_t cost = 0;
  std::int64_t in_flight = 0;  // Requests under way when it started, itself included.
};

// How much of a limit of `amount` is used by the server's count; nullopt if the fact tells neither
// what is used nor what remains.
inline std::optional<std::int64_t> used_of(const LimitFact& fact, std::int64_t amount) {
  return fact.remaining ? std::optional{clamped_difference(amount, *fact.remaining)} : fact.used;
}

class ShortLimit {
 public:
  // Precondition: `limit` is not long.
  explicit ShortLimit(const Limit& limit);

  // The earliest instant, not before `now`, at which `cost` may start. Precondition: cost >= 1.
  [[nodiscard]] Instant earliest(Instant now, std::int64_t cost) const;

  // Reserves. Precondition: earliest(now, cost) == now.
  ShortTicket take(Instant now, std::int64_t cost);

  void sent(ShortTicket& ticket, Instant now);

  // The request is answered, or given up: it cost `actual`. `passed`: the server let it through.
  void settle(const ShortTicket& ticket, Instant now, std::int64_t actual, bool passed);

  // The request never left. Its place in the schedule stays used, which errs on the safe side.
  void release(const ShortTicket& ticket);

  // A reply to the request of `ticket` says this about the limit. `slow_at_per_mille`: the share by
  // the server's count from which what others use is left to them.
  void learn(const ShortTicket& ticket, Instant now, const LimitFact& fact,
             std::int32_t slow_at_per_mille);

  // Of a limit that replies announced: its amount from now on.
  void set_amount(std::int64_t amount);

  // The server refused the request of `ticket` for this limit, or for one it did not name.
  void refused(const ShortTicket& ticket, Instant now);

  // Works with less than the configured amount.
  [[nodiscard]] bool slowed() const { return learned_per_mille_ < 1000 || others_ > 0; }

  // What counts now, of a window of this length.
  [[nodiscard]] std::int64_t used(Instant now) const { return log_.used(now); }
  // The most that is used per window, by the configured share.
  [[nodiscard]] std::int64_t threshold() const;
  // When less will count than now; nullopt if nothing counts.
  [[nodiscard]] std::optional<Instant> frees_at(Instant now) const;

  [[nodiscard]] std::string store(Now now) const;
  bool restore(Now now, std::string_view text);

 private:
  [[nodiscard]] std::int64_t usable() const;
  void recover(Instant now);
  void apply_amount();

  Limit limit_;
  RateLimiter pace_;
  WindowLog log_;
  std::int64_t announced_;  // By the server; at most what is configured.

  // What replies said remains, less what started since; and how fresh that is.
  std::optional<std::int64_t> credit_;
  Instant credit_as_of_{};
  Instant credit_until_{};
  std::int64_t in_flight_ = 0;  // Requests.
  std::int64_t in_flight_cost_ = 0;
  std::int64_t burst_passed_ = 1;  // The most requests under way at once that all passed.
  Instant refilled_at_{};          // By then, what the last start took has come back.

  std::int64_t others_ = 0;  // What others use, until others_until_.
  Instant others_until_{};
  std::int32_t learned_per_mille_ = 1000;
  Instant learned_at_ = long_ago;  // Of the last refusal.
  Instant recovered_at_ = long_ago;
};

}  // namespace ratebatch::quota
