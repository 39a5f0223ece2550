// What is counted together: one lane with one key group, or one key group over all lanes of its
// provider. All limits, waits and learned values of it, asked and charged in one step.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/limit.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/quota/concurrency.hpp"
#include "ratebatch/quota/learned_rate.hpp"
#include "ratebatch/quota/long_window.hpp"
#include "ratebatch/quota/short_limit.hpp"
#include "ratebatch/quota/wait_gate.hpp"
#include "ratebatch/quota/waves.hpp"

namespace ratebatch::quota {

// Why a reservation was not made.
struct Refusal {
  enum class Cause : std::uint8_t {
    slots,       // All slots are taken: until one in flight ends.
    window,      // A short window is used up, or a wave is over.
    wait,        // The server wants it to wait.
    pause,       // A long window reached its threshold, or the server imposed a pause.
    no_key,      // No usable key is left.
    never_fits,  // The request certainly costs more than a whole window.
    budget,      // No money is left to spend.
  };
  Cause cause = Cause::slots;
  std::optional<Instant> earliest;  // Absent: until something in flight ends, or for ever.
  std::string limit;                // The name of the limit, where there is one.
};

// A clock reading as limits need it: both local clocks, and the provider's.
struct QuotaNow {
  Now local;
  WallTime server;
};

class QuotaScope {
 public:
  // A reservation as this scope must know it again.
  struct Ticket {
    // Of each short limit that it concerns: its index and its own ticket.
    std::vector<std::pair<std::size_t, ShortTicket>> shorts;
    WallTime taken;  // By the server's clock.
  };

  // `learns`: a lane, whose rate is learned where no limit of requests is known.
  QuotaScope(std::string name, const Limits& limits, const std::optional<Waves>& waves,
             const RetrySettings& retry, bool learns);

  [[nodiscard]] const std::string& name() const { return name_; }

  // Time goes on: what a clock that was wrong by more than a window counted is put right.
  void notice_clock(const QuotaNow& now);

  // Why a request of this cost may not start now; nullopt if it may. An amount of 0 is not
  // asked for.
  [[nodiscard]] std::optional<Refusal> blocked(const QuotaNow& now, const Amounts& cost) const;

  // The limit whose whole window is less than this certain cost, by name.
  [[nodiscard]] std::optional<std::string> never_fits(const Amounts& certain) const;

  // Reserves. Precondition: blocked(now, cost) is nullopt.
  Ticket take(const QuotaNow& now, const Amounts& cost);

  void sent(Ticket& ticket, const QuotaNow& now);

  // The request never left.
  void release(const Ticket& ticket, const QuotaNow& now, const Amounts& reserved, Instant started);

  // The request came to an outcome, having used `actual`. Limits, concurrency and rates learn from
  // it. `started`: when the request was reserved.
  void settle(const Ticket& ticket, const QuotaNow& now, const Amounts& reserved,
              const Amounts& actual, const Outcome& outcome, Instant started);

  // The window that a fact is about: as it says, or as it lets one infer, where it did so three
  // times in a row. One inference alone may be a coincidence.
  [[nodiscard]] std::optional<Duration> believed_window(const LimitFact& fact);

  // What replies say of limits, about `window` where that is known: applied to those that match.
  // True where one did.
  bool learn(const Ticket& ticket, const QuotaNow& now, const LimitFact& fact,
             std::optional<Duration> window, std::int32_t slow_at_per_mille);

  // A limit the reply announced that is not configured: kept from now on, where its window is short
  // and known. Never widens anything.
  void adopt(const LimitFact& fact, std::optional<Duration> window);

  // A refusal for a rate or quota: teaches the limits it is about. Returns the longest window among
  // them; nullopt if no limit of ours stands for it.
  std::optional<Duration> teach(const Ticket& ticket, const QuotaNow& now, const Outcome& outcome);

  // The same where none does: the learned rate takes it. Returns the wait before the next request.
  Duration teach_rate(const QuotaNow& now, Instant started);

  // The reset of a long window that the refusal says is used up, where it is known.
  [[nodiscard]] std::optional<Duration> known_reset(const QuotaNow& now, const Outcome& outcome);

  [[nodiscard]] WaitGate& gate() { return gate_; }
  [[nodiscard]] const WaitGate& gate() const { return gate_; }
  [[nodiscard]] ConcurrencyLimit& concurrency() { return concurrency_; }
  [[nodiscard]] const ConcurrencyLimit& concurrency() const { return concurrency_; }

  // Of the long windows, the largest used share of a threshold, in millionths; and the used share
  // of nothing is 0.
  [[nodiscard]] std::int64_t long_share(const QuotaNow& now) const;

  // What it is doing, without regard to keys.
  [[nodiscard]] LaneStatus status(const QuotaNow& now) const;
  [[nodiscard]] std::vector<LimitView> limits(const QuotaNow& now) const;

  // A person corrects a counter. False where there is no long limit of this name.
  bool set_used(const QuotaNow& now, std::string_view limit, std::int64_t used);
  // A person resets counters, waits and what was learned.
  void reset(const QuotaNow& now);

  // Appends what changed since the last call.
  void take_changes(const QuotaNow& now, std::vector<StoredState>& out);
  // Takes in what was stored under this scope's name.
  void restore(const QuotaNow& now, const StoredState& state);
  void mark_changed() { changed_ = true; }

 private:
  struct Short {
    Limit limit;
    ShortLimit state;
    bool adopted = false;
  };
  struct Long {
    Limit limit;
    LongWindow state;
  };
  // A window that headers let one guess, and how often in a row.
  struct Guess {
    Resource resource = Resource::requests;
    Duration window{};
    std::int32_t times = 0;
  };

  void add_adopted(Resource resource, std::int64_t amount, Duration window);

  std::string name_;
  ConcurrencyLimit concurrency_;
  std::optional<WaveGate> waves_;
  std::vector<Short> shorts_;
  std::vector<Long> longs_;
  std::vector<Guess> guesses_;
  WaitGate gate_;
  std::optional<LearnedRate> learned_;
  bool changed_ = false;
  std::vector<StoredState> stored_;  // As last written, to write only what differs.
};

}  // namespace ratebatch::quota
