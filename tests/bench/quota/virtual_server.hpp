// A provider in virtual time: per lane and key group limiters of its own, latency, outages, wrong
// keys, headers and hints where asked for. It logs every request that arrives, and is the judge:
// whatever a case reports of granted and refused requests is counted here.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <queue>
#include <set>
#include <utility>
#include <vector>

#include "bench/quota/limiters.hpp"
#include "ratebatch/base/random.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/limit.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/run/rehearsal.hpp"

namespace ratebatch::quota_bench {

// From `low` to `high`, evenly.
struct Span {
  Duration low{};
  Duration high{};
};

struct ServerLimit {
  Resource resource = Resource::requests;
  std::function<std::unique_ptr<Limiter>()> make;
  bool is_day = false;  // Its refusals are quota_exhausted.
};

struct Outage {
  WallTime from;
  WallTime until;
  OutcomeClass kind = OutcomeClass::overloaded;
};

// Of the requests that arrive while more than so many are served, this one included, a share is
// refused with 503.
struct Overloads {
  std::int64_t per_100k = 0;
  std::int64_t above_in_flight = 0;
};

// One lane as its server sees it.
struct ServerLane {
  std::vector<ServerLimit> limits;  // Of each key group.
  std::optional<std::int64_t> concurrency;
  Span service{std::chrono::milliseconds{100}, std::chrono::milliseconds{100}};
  bool headers = false;  // Each answer tells limit, remaining and when it is full, as OpenAI's do.
  bool hints = false;    // Refusals say how long to wait.
  std::optional<Outage> outage;
  Overloads overloads;
  std::function<Usage(std::int64_t job)> usage;        // Unless set: nothing.
  std::function<OutcomeClass(std::int64_t job)> fate;  // Unless set: done.
};

struct Network {
  Span way_there;  // Drawn for each request, so that they overtake each other; or:
  std::optional<std::int64_t>
      wander_per_mille;  // One delay that moves within the span, in ms per s.
  Span way_back;
  std::uint64_t stalled_commits_per_mille = 0;
  Duration stall = std::chrono::milliseconds{100};
};

struct Arrival {
  WallTime at;
  LaneId lane{};
  KeyId key{};
  std::int64_t job = 0;
  OutcomeClass kind = OutcomeClass::done;
  std::int64_t tokens = 0;  // Charged.
};

class VirtualServer : public run::RehearsalWorld {
 public:
  // `lanes` must outlive the server; one ServerLane for each of its lanes.
  VirtualServer(const Lanes& lanes, std::vector<ServerLane> served, Network network,
                std::uint64_t seed);

  Duration way_there(Now at, const action::Send& send) override;
  Reply arrive(Now at, const action::Send& send) override;
  Duration commit_takes(Now at) override;

  void refuse_key(KeyId key) { refused_keys_.insert(key); }
  void set_outage(LaneId lane, const Outage& outage) { served_[index_of(lane)].outage = outage; }

  // Over all lanes and keys: more requests at once are refused.
  void limit_all(std::int64_t concurrency) { concurrency_of_all_ = concurrency; }
  [[nodiscard]] std::int64_t most_at_once() const { return most_at_once_; }

  [[nodiscard]] const std::vector<Arrival>& log() const { return log_; }

  // The limiter of a lane's i-th limit for the group of a key.
  [[nodiscard]] Limiter& limiter(LaneId lane, KeyId key, std::size_t i);

 private:
  using BusyUntil = std::priority_queue<WallTime, std::vector<WallTime>, std::greater<>>;
  struct Account {
    std::vector<std::unique_ptr<Limiter>> limiters;
    BusyUntil busy_until;
  };

  static std::int64_t at_once(BusyUntil& busy, WallTime at);

  Account& account(LaneId lane, KeyId key);
  [[nodiscard]] Outcome judge(WallTime at, const action::Send& send, Account& account,
                              Usage& usage);
  void tell(const ServerLane& served, Account& account, WallTime at, Facts& facts) const;
  Duration draw(const Span& span);
  Duration wandering(Instant at);

  const Lanes& lanes_;
  std::vector<ServerLane> served_;
  Network network_;
  Rng rng_;
  std::map<std::pair<LaneId, GroupId>, Account> accounts_;
  std::set<KeyId> refused_keys_;
  std::optional<Instant> wandered_at_;
  Duration delay_{};
  Duration heading_for_{};
  BusyUntil all_busy_until_;
  std::optional<std::int64_t> concurrency_of_all_;
  std::int64_t most_at_once_ = 0;
  std::vector<Arrival> log_;
};

// What a request of this usage costs in a resource.
std::int64_t cost_of(const Usage& usage, Resource resource);

}  // namespace ratebatch::quota_bench
