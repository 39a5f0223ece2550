#include "ratebatch/schedule/scheduler.hpp"

#include <doctest/doctest.h>

#include <map>
#include <set>
#include <utility>
#include <vector>

namespace ratebatch {
namespace {

constexpr RouteId text{1};
constexpr RouteId image{2};

// A scheduler with a store that always has room, and a column of steps to drive it.
class Bench {
 public:
  explicit Bench(std::int32_t workers, Lanes lanes, std::optional<std::int64_t> jobs_max = {})
      : lanes_(std::move(lanes)) {
    SchedulerOptions options;
    options.workers = workers;
    options.jobs_max = jobs_max;
    scheduler_.emplace(lanes_, options, Rng{1}, now_, std::vector<LimitState>{});
  }

  void add(RouteId route, std::int64_t seq, std::int64_t priority = 0) {
    JobRef ref;
    ref.seq = JobSeq{seq};
    ref.route = route;
    ref.priority = priority;
    jobs_[route].push_back(ref);
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

  void reply(std::int64_t seq, OutcomeClass kind) {
    Outcome outcome;
    outcome.kind = kind;
    if (kind == OutcomeClass::done) outcome.answer = Answer{};
    reply(seq, std::move(outcome));
  }

  void reply(std::int64_t seq, Outcome outcome) {
    REQUIRE(in_flight.count(seq) == 1);
    const AttemptNumber attempt = in_flight.at(seq);
    in_flight.erase(seq);
    scheduler_->handle(now_, event::AttemptEnded{JobSeq{seq}, attempt, std::move(outcome)});
    run();
  }

  void stop(Duration grace) {
    scheduler_->handle(now_, event::StopRequested{grace});
    run();
  }

  std::map<std::int64_t, AttemptNumber> in_flight;
  std::vector<std::int64_t> order;  // Of sends.
  std::vector<AttemptEnd> ends;
  std::set<std::int64_t> cancelled;
  std::int64_t commits = 0;
  bool no_room = false;
  std::optional<action::FinishReason> finished;

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
    scheduler_->handle(now_, event::Committed{commit.batch.id});
  }
  void on(const action::Send& send) {
    const auto seq = static_cast<std::int64_t>(send.job);
    CHECK(in_flight.emplace(seq, send.attempt).second);
    order.push_back(seq);
  }
  void on(const action::Cancel& cancel) { cancelled.insert(static_cast<std::int64_t>(cancel.job)); }
  void on(const action::Finished& finish) { finished = finish.reason; }

  Lanes lanes_;
  Now now_{{1'000'000'000'000}, wall_from_ms(1'780'000'000'000)};
  std::optional<Scheduler> scheduler_;
  std::map<RouteId, std::vector<JobRef>> jobs_;
};

Lanes two_lanes() {
  Lanes lanes;
  lanes.pools.push_back({"openai", {}});
  lanes.keys = {{"KEY", PoolId{0}}};
  lanes.lanes.push_back({"text", PoolId{0}, {}, {}, {}});
  lanes.lanes.push_back({"image", PoolId{0}, {}, {}, {}});
  lanes.routes = {{text, LaneId{0}}, {image, LaneId{1}}};
  return lanes;
}

using Order = std::vector<std::int64_t>;

TEST_CASE("nothing to do is complete at once") {
  Bench bench{4, two_lanes()};
  bench.run();
  CHECK(bench.finished == action::FinishReason::complete);
  CHECK_FALSE(bench.scheduler().poll(bench.now()).has_value());
}

TEST_CASE("workers bound what is in flight, and a freed one takes the best job left") {
  Bench bench{2, two_lanes()};
  for (std::int64_t i = 1; i <= 3; ++i) bench.add(text, i);
  bench.run();
  CHECK(bench.order == Order{1, 2});
  bench.reply(2, OutcomeClass::done);
  CHECK(bench.order == Order{1, 2, 3});
  bench.reply(1, OutcomeClass::done);
  bench.reply(3, OutcomeClass::done);
  CHECK(bench.finished == action::FinishReason::complete);
  CHECK(bench.ends.size() == 3);
}

TEST_CASE("all starts of a turn share one commit") {
  Bench bench{50, two_lanes()};
  for (std::int64_t i = 1; i <= 50; ++i) bench.add(text, i);
  bench.run();
  CHECK(bench.in_flight.size() == 50);
  CHECK(bench.commits == 1);
}

TEST_CASE("an outcome and the start that takes its worker share one commit") {
  Bench bench{2, two_lanes()};
  for (std::int64_t i = 1; i <= 4; ++i) bench.add(text, i);
  bench.run();
  CHECK(bench.commits == 1);
  bench.reply(1, OutcomeClass::done);
  CHECK(bench.commits == 2);
  CHECK(bench.order == Order{1, 2, 3});
  CHECK(bench.scheduler().snapshot(bench.now()).in_flight == 2);
}

TEST_CASE("a job that goes back never starts again in the commit that puts it back") {
  Bench bench{1, two_lanes()};
  bench.add(text, 1);
  bench.run();
  Outcome unharmed;
  unharmed.kind = OutcomeClass::refused_key;
  bench.reply(1, unharmed);
  CHECK(bench.commits == 2);
  CHECK(bench.order == Order{1});
}

TEST_CASE("a slice starts as many jobs as it may, sees them through their retries, and ends") {
  Bench bench{2, two_lanes(), 3};
  for (std::int64_t i = 1; i <= 9; ++i) bench.add(text, i);
  for (std::int64_t i = 11; i <= 19; ++i) bench.add(image, i);
  bench.run();
  bench.reply(1, OutcomeClass::server_error);
  CHECK(bench.order == Order{1, 2, 3});
  bench.reply(2, OutcomeClass::done);
  bench.reply(3, OutcomeClass::done);
  CHECK_FALSE(bench.finished.has_value());
  bench.advance(std::chrono::seconds{1});
  CHECK(bench.order == Order{1, 2, 3, 1});
  bench.reply(1, OutcomeClass::done);
  CHECK(bench.finished == action::FinishReason::slice_done);
}

TEST_CASE("a lane with nothing in flight goes first while another holds more than one slot") {
  Bench bench{3, two_lanes()};
  for (std::int64_t i = 1; i <= 5; ++i) bench.add(image, i, 9);
  for (std::int64_t i = 11; i <= 15; ++i) bench.add(text, i);
  bench.run();
  CHECK(bench.order == Order{1, 2, 11});
}

TEST_CASE("a lane that must wait holds up no other lane") {
  Bench bench{2, two_lanes()};
  bench.add(text, 1);
  bench.add(text, 2);
  bench.add(image, 3);
  bench.add(image, 4);
  bench.run();
  CHECK(bench.order == Order{1, 2});
  Outcome refused;
  refused.kind = OutcomeClass::rate_limited;
  refused.facts.wait = std::chrono::seconds{20};
  bench.reply(1, refused);
  CHECK(bench.order == Order{1, 2, 3});
  bench.reply(2, OutcomeClass::done);
  CHECK(bench.order == Order{1, 2, 3, 4});
  bench.reply(3, OutcomeClass::done);
  bench.reply(4, OutcomeClass::done);
  CHECK_FALSE(bench.finished.has_value());
  bench.advance(std::chrono::seconds{19});
  CHECK(bench.in_flight.empty());
  bench.advance(std::chrono::seconds{3});
  CHECK(bench.order == Order{1, 2, 3, 4, 1});
  CHECK(bench.in_flight.at(1) == AttemptNumber{2});
}

TEST_CASE("a job that failed on the server lets others pass and comes back when its wait is over") {
  Bench bench{1, two_lanes()};
  bench.add(text, 1);
  bench.add(text, 2);
  bench.run();
  bench.reply(1, OutcomeClass::server_error);
  CHECK(bench.order == Order{1, 2});
  REQUIRE(bench.ends[0].ready_at.has_value());
  CHECK(bench.ends[0].retries_used == 1);
  bench.reply(2, OutcomeClass::done);
  CHECK(bench.in_flight.empty());
  bench.advance(std::chrono::milliseconds{500});
  CHECK(bench.order == Order{1, 2, 1});
}

TEST_CASE("without a usable key the other provider's jobs are done, then the run ends") {
  Lanes lanes = two_lanes();
  lanes.pools.push_back({"together", {}});
  lanes.keys.push_back({"OTHER", PoolId{1}});
  lanes.lanes[1].pool = PoolId{1};
  Bench bench{2, std::move(lanes)};
  bench.add(text, 1);
  bench.add(image, 2);
  bench.run();
  bench.reply(1, OutcomeClass::refused_key);
  CHECK(bench.ends[0].to == JobState::pending);
  CHECK_FALSE(bench.finished.has_value());
  bench.reply(2, OutcomeClass::done);
  CHECK(bench.finished == action::FinishReason::no_key);
}

TEST_CASE("after a stop nothing starts, and what is in flight may end") {
  Bench bench{2, two_lanes()};
  for (std::int64_t i = 1; i <= 9; ++i) bench.add(text, i);
  bench.run();
  bench.stop(std::chrono::seconds{30});
  bench.reply(1, OutcomeClass::done);
  CHECK(bench.in_flight.size() == 1);
  CHECK_FALSE(bench.finished.has_value());
  bench.reply(2, OutcomeClass::done);
  CHECK(bench.finished == action::FinishReason::stopped);
  CHECK(bench.order == Order{1, 2});
}

TEST_CASE("a stop that finds the last answers on their way is complete when they are in") {
  Bench bench{2, two_lanes()};
  bench.add(text, 1);
  bench.run();
  bench.stop(std::chrono::seconds{30});
  bench.reply(1, OutcomeClass::done);
  CHECK(bench.finished == action::FinishReason::complete);
}

TEST_CASE("when the grace is over, or at a second stop, what is in flight becomes unknown") {
  for (const bool second_press : {false, true}) {
    Bench bench{2, two_lanes()};
    bench.add(text, 1);
    bench.add(text, 2);
    bench.run();
    bench.stop(std::chrono::seconds{30});
    CHECK(bench.scheduler().wake_at().steady == bench.now().steady + std::chrono::seconds{30});
    if (second_press) {
      bench.stop(Duration{});
    } else {
      bench.advance(std::chrono::seconds{30});
    }
    CHECK(bench.cancelled == std::set<std::int64_t>{1, 2});
    bench.reply(1, OutcomeClass::unknown);
    bench.reply(2, OutcomeClass::unknown);
    CHECK(bench.ends[0].to == JobState::unknown);
    CHECK(bench.finished == action::FinishReason::stopped);
  }
}

TEST_CASE("a full disk keeps answers, starts nothing, and goes on when there is room") {
  Bench bench{2, two_lanes()};
  for (std::int64_t i = 1; i <= 4; ++i) bench.add(text, i);
  bench.run();
  bench.no_room = true;
  bench.reply(1, OutcomeClass::done);
  bench.reply(2, OutcomeClass::done);
  CHECK(bench.ends.empty());
  CHECK(bench.order == Order{1, 2});
  CHECK(bench.scheduler().snapshot(bench.now()).storage_waits);
  bench.advance(no_room_wait);
  CHECK(bench.ends.empty());
  bench.no_room = false;
  bench.advance(no_room_wait);
  CHECK(bench.ends.size() == 2);
  CHECK(bench.order == Order{1, 2, 3, 4});
}

TEST_CASE("a stop on a full disk tries once more and then gives up") {
  Bench bench{1, two_lanes()};
  bench.add(text, 1);
  bench.run();
  bench.no_room = true;
  bench.reply(1, OutcomeClass::done);
  bench.stop(std::chrono::seconds{1});
  CHECK_FALSE(bench.finished.has_value());
  bench.advance(std::chrono::seconds{2});
  CHECK(bench.finished == action::FinishReason::no_room);
}

TEST_CASE("a reply for an attempt that is over is ignored") {
  Bench bench{1, two_lanes()};
  bench.add(text, 1);
  bench.run();
  Outcome late;
  late.kind = OutcomeClass::done;
  late.answer = Answer{};
  bench.scheduler().handle(bench.now(), event::AttemptEnded{JobSeq{1}, AttemptNumber{7}, late});
  bench.scheduler().handle(bench.now(), event::AttemptEnded{JobSeq{99}, AttemptNumber{1}, late});
  bench.run();
  CHECK(bench.ends.empty());
}

TEST_CASE("an outage opens the breaker: one probe per 30 s, and no job fails for it") {
  Bench bench{4, two_lanes()};
  for (std::int64_t i = 1; i <= 40; ++i) bench.add(text, i);
  bench.run();
  std::int64_t sent_in_outage = 0;
  for (int second = 0; second < 600; ++second) {
    while (!bench.in_flight.empty()) {
      ++sent_in_outage;
      bench.reply(bench.in_flight.begin()->first, OutcomeClass::network);
    }
    bench.advance(std::chrono::seconds{1});
  }
  CHECK(sent_in_outage <= 8 + 600 / 30);
  for (int second = 0; second < 120; ++second) {
    while (!bench.in_flight.empty()) {
      bench.reply(bench.in_flight.begin()->first, OutcomeClass::done);
    }
    bench.advance(std::chrono::seconds{1});
  }
  CHECK(bench.finished == action::FinishReason::complete);
  for (const AttemptEnd& end : bench.ends) CHECK(end.to != JobState::failed);
}

TEST_CASE("wake_at names the moment at which a paced lane goes on, and nothing when idle") {
  Lanes lanes = two_lanes();
  lanes.lanes[0].limits.requests.push_back({"rpm", 60, std::chrono::minutes{1}});
  Bench bench{4, std::move(lanes)};
  bench.add(text, 1);
  bench.add(text, 2);
  bench.run();
  CHECK(bench.order == Order{1});
  const auto wake = bench.scheduler().wake_at().steady;
  REQUIRE(wake.has_value());
  CHECK(*wake > bench.now().steady);
  bench.advance(*wake - bench.now().steady);
  CHECK(bench.order == Order{1, 2});
  CHECK_FALSE(bench.scheduler().wake_at().steady.has_value());
}

}  // namespace
}  // namespace ratebatch
