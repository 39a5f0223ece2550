// The one place that knows how much of every limit is used: for all workers, keys and lanes.
//
// A start reserves everything it may use, of its lane and of its provider, on one key, in one step,
// or nothing at all. A reservation ends exactly once: settled when an outcome is there, released
// when the request never left. Usage is counted per key group and lane, and per key group over all
// lanes; keys that a provider refused leave their pool; a refusal marks the lane and key group it
// is about, and no other.
//
// Pure state: no I/O, no clock, one thread. What must outlive the run comes out of take_changes and
// goes into the constructor.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ratebatch/base/random.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/quota/budget.hpp"
#include "ratebatch/quota/quota_scope.hpp"
#include "ratebatch/quota/refusal_wait.hpp"
#include "ratebatch/quota/server_clock.hpp"
#include "ratebatch/quota/token_estimate.hpp"

namespace ratebatch::quota {

enum class ReservationId : std::int64_t {};

struct Reservation {
  ReservationId id{};
  KeyId key{};
};

struct QuotaOptions {
  std::int32_t slow_at_per_mille = 950;  // By the server's count: what others use is left to them.
  std::int32_t warn_at_per_mille = 900;  // Of the usable long window, over all keys: critical.
  // Names this start of the machine, within which the steady clock goes on: what an earlier run
  // learned of the providers' clocks counts only within it. 0: not known.
  std::int64_t boot = 0;
  BudgetSettings budget;
};

// What an outcome meant for the limits, the key and the account of its request. All of it is
// applied already.
struct Verdict {
  std::int64_t cost_pico_usd = 0;
  std::optional<Duration> wait;  // Imposed on the lane or the account.
  bool refuses_key = false;
  bool refuses_group = false;  // The account behind a group of keys cannot pay.
};

class QuotaMonitor {
 public:
  // `lanes` must outlive the monitor. Stored states of what exists no more are ignored.
  QuotaMonitor(const Lanes& lanes, const QuotaOptions& options, Now now,
               const std::vector<StoredState>& stored);

  // Reserves for one request of a job of `route` and `size` at `lane`, or says why not.
  std::variant<Reservation, Refusal> reserve(Now now, LaneId lane, RouteId route,
                                             const JobSize& size);

  // The request of a reservation leaves now: a delay since it was reserved is charged.
  void sent(Now now, ReservationId id);

  // The request of a reservation came to an outcome: what the reply said about limits is learned; a
  // refusal for a limit makes the lane, or the whole key group, wait; a key or account that is
  // refused gets no reservation again in this run. Ends the reservation.
  Verdict settle(Now now, ReservationId id, const Outcome& outcome, Rng& rng);

  // The request never left. Ends the reservation.
  void release(Now now, ReservationId id);

  // The breaker of a lane opened: what its concurrency was goes back when it closes.
  void lane_went_down(LaneId lane);
  void lane_came_back(LaneId lane);

  // Some key of the lane's provider, usable or not. Precondition: it has one.
  [[nodiscard]] KeyId any_key(LaneId lane) const;

  // A person wants imposed waits probed at once.
  void lift_waits();

  [[nodiscard]] bool has_usable_key(LaneId lane) const;

  // Whether the provider said of all usable key groups of the lane that their account is out of
  // quota.
  [[nodiscard]] bool account_paused(Now now, LaneId lane) const;

  // What the lane may do, as far as keys and limits go.
  [[nodiscard]] LaneStatus status(Now now, LaneId lane) const;
  [[nodiscard]] LaneQuota view(Now now, LaneId lane) const;

  // A person corrects a counter of a long limit, for one key group or, where it is absent, for all;
  // false where there is none of this name. And starts a lane afresh.
  bool set_used(Now now, LaneId lane, std::optional<GroupId> group, std::string_view limit,
                std::int64_t used);
  void reset(Now now, LaneId lane, std::optional<GroupId> group);

  // The states that changed since the last call, to be stored with the next commit.
  std::vector<StoredState> take_changes(Now now);

 private:
  struct KeyState {
    bool usable = true;
    std::int32_t in_flight = 0;
  };
  // What a key group has: its own scope, and one per lane of its provider.
  struct Group {
    QuotaScope all_lanes;
    std::map<LaneId, QuotaScope> lanes;
    std::map<LaneId, std::int64_t> last_used;  // By lane: the reservation that used it last.
  };
  struct Held {
    LaneId lane{};
    RouteId route{};
    KeyId key{};
    GroupId group{};
    JobSize size;
    Amounts amounts{};
    std::int64_t cost_pico_usd = 0;
    QuotaScope::Ticket lane_ticket;
    QuotaScope::Ticket group_ticket;
    Instant reserved_at;
    WallTime reserved_at_wall;
  };

  [[nodiscard]] QuotaNow clock(Now now, PoolId pool) const;
  [[nodiscard]] PoolId pool_of(LaneId lane) const;
  [[nodiscard]] const std::vector<GroupId>& groups_of(LaneId lane) const;
  [[nodiscard]] std::optional<KeyId> best_key(GroupId group) const;
  [[nodiscard]] bool is_better(const QuotaNow& now, LaneId lane, GroupId a, GroupId b) const;
  [[nodiscard]] TokenEstimate& estimate_of(RouteId route);
  [[nodiscard]] LaneStatus group_status(const QuotaNow& now, LaneId lane, GroupId group) const;
  Reservation take(const QuotaNow& now, Held held);
  [[nodiscard]] std::int64_t charge(const QuotaNow& now, const Held& held, const Outcome& outcome);
  void learn_limits(const QuotaNow& now, const Held& held, const Outcome& outcome);
  [[nodiscard]] RefusalEvidence evidence_of(const QuotaNow& now, const Held& held,
                                            const Outcome& outcome);
  Duration impose_wait(const QuotaNow& now, const Held& held, const Outcome& outcome, Rng& rng);
  void refuse_keys(GroupId group);
  Held& held_by(ReservationId id);
  static QuotaScope& marked_scope(Group& group, LaneId lane, const Outcome& outcome);
  void end(ReservationId id);

  const Lanes& lanes_;
  QuotaOptions options_;
  std::vector<ServerClock> clocks_;                   // By PoolId.
  std::vector<std::string> stored_clocks_;            // As last put into changes.
  std::vector<std::vector<GroupId>> groups_of_pool_;  // By PoolId.
  std::vector<Group> groups_;                         // By GroupId.
  std::vector<KeyState> keys_;                        // By KeyId.
  std::map<RouteId, TokenEstimate> estimates_;
  std::set<RouteId> changed_estimates_;
  Budget budget_;
  std::map<ReservationId, Held> held_;
  std::int64_t last_id_ = 0;
};

// The name under which a scope's states are stored.
std::string lane_scope_name(std::string_view model, std::string_view group);
std::string provider_scope_name(std::string_view provider, std::string_view group);

}  // namespace ratebatch::quota
