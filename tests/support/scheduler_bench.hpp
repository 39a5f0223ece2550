// A scheduler with a store that always has room, unless told otherwise, and a column of steps to
// drive it.
#pragma once

#include <doctest/doctest.h>

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <utility>
#include <vector>

#include "ratebatch/schedule/scheduler.hpp"
#include "support/quota_support.hpp"

namespace ratebatch::scheduler_bench {

using namespace quota;
using namespace schedule;
using namespace quota_support;

using Order = std::vector<std::int64_t>;

inline Outcome outcome_of(OutcomeClass kind, std::int32_t http_status = 0,
                          const std::string& message = "") {
  Outcome outcome;
  outcome.kind = kind;
  outcome.http_status = http_status;
  outcome.message = message;
  if (kind == OutcomeClass::done) outcome.answer = Answer{};
  return outcome;
}

class Bench {
 public:
  Bench(std::int32_t workers, Lanes lanes, SchedulerOptions options = {},
        std::vector<StoredState> stored = {}, Now now = at_ms(0),
        const std::vector<FetchingJob>& fetches = {})
      : lanes_(std::move(lanes)), now_(now) {
    options.workers = workers;
    scheduler_.emplace(lanes_, options, Rng{1}, now_, stored, fetches);
    for (StoredState& s : stored) states[{s.scope, s.item}] = std::move(s.value);
  }

  void add(LaneId lane, std::int64_t seq, std::int64_t priority = 0, const JobSize& size = {},
           std::int32_t retries_used = 0) {
    JobRef ref;
    ref.seq = JobSeq{seq};
    ref.route = lane == text ? text_route : image_route;
    ref.priority = priority;
    ref.size = size;
    ref.retries_used = retries_used;
    jobs_[ref.route].push_back(ref);
  }

  // Carries out commands until there are none.
  void run() {
    while (auto action = scheduler_->poll(now_)) std::visit([&](auto& a) { on(a); }, *action);
  }

  void advance(Duration d) {
    now_.steady = now_.steady + d;
    now_.wall = now_.wall + d;
    run();
  }

  void set_wall_clock(Duration by) { now_.wall = now_.wall + by; }

  // Goes to the moment that wake_at names. False where it names none.
  bool wake() {
    const auto wake = scheduler_->wake_at();
    if (!wake) return false;
    const Duration d = *wake - now_.steady;
    CHECK(d > Duration{});
    advance(d);
    return true;
  }

  void reply(std::int64_t seq, OutcomeClass kind) { reply(seq, outcome_of(kind)); }

  void reply(std::int64_t seq, Outcome outcome) {
    arrive(seq, std::move(outcome));
    run();
  }

  // A reply that shares its turn with others.
  void arrive(std::int64_t seq, Outcome outcome) {
    REQUIRE(in_flight.count(seq) == 1);
    const AttemptNumber attempt = in_flight.at(seq);
    in_flight.erase(seq);
    scheduler_->handle(now_, event::AttemptEnded{JobSeq{seq}, attempt, std::move(outcome)});
  }

  // The download for a job ended.
  void fetched(std::int64_t seq, OutcomeClass kind) {
    REQUIRE(fetching.erase(seq) == 1);
    event::FetchEnded ended{JobSeq{seq}, fetching_attempt.at(seq), {}};
    ended.outcome.kind = kind;
    scheduler_->handle(now_, std::move(ended));
    run();
  }

  void reply_to_all(OutcomeClass kind) {
    while (!in_flight.empty()) reply(in_flight.begin()->first, kind);
  }

  void stop(Duration grace) {
    scheduler_->handle(now_, event::StopRequested{grace});
    run();
  }

  // What the next run finds.
  [[nodiscard]] std::vector<StoredState> stored() const {
    std::vector<StoredState> list;
    for (const auto& [name, value] : states) list.push_back({name.first, name.second, value});
    return list;
  }

  [[nodiscard]] LaneStatus status(LaneId lane) const {
    return scheduler_->snapshot(now_).lanes.at(index_of(lane)).status;
  }

  std::map<std::int64_t, AttemptNumber> in_flight;
  std::map<std::int64_t, LaneId> lane_of;  // Of the last send of each job.
  Order order;                             // Of sends.
  std::vector<AttemptEnd> ends;
  std::vector<FetchEnd> fetch_ends;
  std::set<std::int64_t> fetching;  // Downloads under way.
  std::map<std::int64_t, AttemptNumber> fetching_attempt;
  std::set<std::int64_t> cancelled_fetches;
  std::vector<JobSeq> reopened;
  std::set<std::int64_t> cancelled;
  std::map<std::pair<std::string, std::string>, std::string> states;
  std::int64_t commits = 0;
  bool no_room = false;
  std::optional<action::FinishReason> finished;
  std::string words;

  Scheduler& scheduler() { return *scheduler_; }
  [[nodiscard]] Now now() const { return now_; }

 private:
  void on(const action::LoadJobs& load) {
    auto jobs = std::exchange(jobs_[load.route], {});
    scheduler_->handle(now_, event::JobsLoaded{load.route, std::move(jobs), true});
  }
  void on(action::CommitBatch& commit) {
    if (no_room) {
      scheduler_->handle(now_, event::CommitFailed{std::move(commit.batch)});
      return;
    }
    ++commits;
    for (AttemptEnd& end : commit.batch.ends) ends.push_back(std::move(end));
    for (FetchEnd& end : commit.batch.fetches) fetch_ends.push_back(std::move(end));
    for (const JobSeq seq : commit.batch.reopened) reopened.push_back(seq);
    for (StoredState& state : commit.batch.states) {
      if (state.value.empty()) {
        states.erase({state.scope, state.item});
      } else {
        states[{state.scope, state.item}] = std::move(state.value);
      }
    }
    scheduler_->handle(now_, event::Committed{commit.batch.id});
  }
  void on(const action::Send& send) {
    const auto seq = static_cast<std::int64_t>(send.job);
    CHECK(in_flight.emplace(seq, send.attempt).second);
    lane_of[seq] = send.lane;
    order.push_back(seq);
  }
  void on(const action::Cancel& cancel) { cancelled.insert(static_cast<std::int64_t>(cancel.job)); }
  void on(const action::Fetch& fetch) {
    const auto seq = static_cast<std::int64_t>(fetch.job);
    CHECK(fetching.insert(seq).second);
    fetching_attempt[seq] = fetch.attempt;
  }
  void on(const action::CancelFetch& cancel) {
    const auto seq = static_cast<std::int64_t>(cancel.job);
    CHECK(fetching.erase(seq) == 1);
    cancelled_fetches.insert(seq);
  }
  void on(const action::Finished& finish) {
    finished = finish.reason;
    words = finish.words;
  }

  Lanes lanes_;
  Now now_;
  std::optional<Scheduler> scheduler_;
  std::map<RouteId, std::vector<JobRef>> jobs_;
};

}  // namespace ratebatch::scheduler_bench
