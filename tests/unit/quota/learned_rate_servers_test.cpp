#include <doctest/doctest.h>

#include <algorithm>
#include <deque>
#include <functional>
#include <optional>
#include <queue>
#include <utility>
#include <vector>

#include "ratebatch/base/random.hpp"
#include "ratebatch/quota/learned_rate.hpp"

namespace ratebatch::learned_rate_servers_test {

using namespace quota;

namespace {

using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr Instant start{1'000'000'000'000};

// --- Servers -------------------------------------------------------------------------------------

enum class Kind { fixed_minute, sliding_log, bucket };

// A server's limiter; `limit` requests per minute. A bucket holds `depth` at most.
class Server {
 public:
  Server(Kind kind, std::int64_t limit, std::int64_t depth)
      : kind_(kind), limit_(limit), depth_(depth), level_(depth * minutes{1}) {}

  void change(std::int64_t limit) { limit_ = limit; }

  bool admits(Instant at) {
    switch (kind_) {
      case Kind::fixed_minute: {
        // A minute that does not begin with the run.
        const std::int64_t minute = (at.ns + 23'000'000'000) / 60'000'000'000;
        if (minute != minute_) used_ = 0;
        minute_ = minute;
        if (used_ >= limit_) return false;
        ++used_;
        return true;
      }
      case Kind::sliding_log:
        while (!log_.empty() && at - log_.front() >= minutes{1}) log_.pop_front();
        if (static_cast<std::int64_t>(log_.size()) >= limit_) return false;
        log_.push_back(at);
        return true;
      case Kind::bucket: {
        // A request is a minute of level; each minute refills `limit` of them.
        level_ = std::min<Duration>(depth_ * minutes{1}, level_ + (at - filled_) * limit_);
        filled_ = at;
        if (level_ < minutes{1}) return false;
        level_ -= minutes{1};
        return true;
      }
    }
    return false;
  }

 private:
  Kind kind_;
  std::int64_t limit_;
  std::int64_t depth_;
  std::int64_t minute_ = -1;
  std::int64_t used_ = 0;
  std::deque<Instant> log_;
  Duration level_;
  Instant filled_ = start;
};

// --- The simulation ------------------------------------------------------------------------------

struct Setup {
  std::int32_t workers = 16;
  std::int64_t length_minutes = 60;
  Duration work_min{};  // The server's, before it answers; refusals come at once.
  Duration work_max{};
  std::uint64_t seed = 1;
};

// Admitted and refused by minute, as the server saw them.
struct Tally {
  std::vector<std::int64_t> admitted;
  std::vector<std::int64_t> refused;

  static std::int64_t sum(const std::vector<std::int64_t>& v, std::size_t from, std::size_t to) {
    std::int64_t n = 0;
    for (std::size_t i = from; i < to; ++i) n += v[i];
    return n;
  }
  std::int64_t admitted_in(std::size_t from, std::size_t to) const {
    return sum(admitted, from, to);
  }
  std::int64_t refused_in(std::size_t from, std::size_t to) const { return sum(refused, from, to); }
};

class Simulation {
 public:
  Simulation(Server server, Setup setup) : server_(std::move(server)), setup_(setup) {
    const auto count = static_cast<std::size_t>(setup.length_minutes);
    tally_.admitted.resize(count + 1);
    tally_.refused.resize(count + 1);
  }

  // Changes the server's limit when so many minutes are over.
  Simulation& change_at(std::int64_t minute, std::int64_t limit) {
    change_at_ = start + minutes{minute};
    change_to_ = limit;
    return *this;
  }

  Tally run() {
    const Instant end = start + minutes{setup_.length_minutes};
    Instant now = start;
    while (now < end) {
      while (in_flight_ < cap_ && rate_.earliest(now) == now) send(now);
      Instant next = end;
      if (in_flight_ < cap_) next = std::min(next, rate_.earliest(now));
      if (!arrivals_.empty()) next = std::min(next, arrivals_.top().at);
      if (!replies_.empty()) next = std::min(next, replies_.top().at);
      now = next;
      while (!arrivals_.empty() && arrivals_.top().at <= now) arrive();
      while (!replies_.empty() && replies_.top().at <= now) reply(now);
    }
    return tally_;
  }

  LearnedRate& rate() { return rate_; }

 private:
  struct Event {
    Instant at;
    Instant started;
    bool admitted = false;
    bool operator>(const Event& other) const { return at > other.at; }
  };
  using Queue = std::priority_queue<Event, std::vector<Event>, std::greater<>>;

  Duration network() { return milliseconds{rng_.between(20, 200)}; }

  void send(Instant now) {
    rate_.take(now);
    ++in_flight_;
    arrivals_.push({now + network(), now});
  }

  void arrive() {
    Event event = arrivals_.top();
    arrivals_.pop();
    if (change_at_ && event.at >= *change_at_) server_.change(change_to_);
    event.admitted = server_.admits(event.at);
    const auto minute = static_cast<std::size_t>((event.at - start) / minutes{1});
    if (minute < tally_.admitted.size()) {
      ++(event.admitted ? tally_.admitted : tally_.refused)[minute];
    }
    if (event.admitted) {
      event.at =
          event.at + Duration{rng_.between(setup_.work_min.count(), setup_.work_max.count())};
    }
    event.at = event.at + network();
    replies_.push(event);
  }

  // In flight doubles per round trip, as while a lane starts.
  void reply(Instant now) {
    const Event event = replies_.top();
    replies_.pop();
    --in_flight_;
    if (event.admitted) {
      rate_.succeeded(now, event.started);
      cap_ = std::min(cap_ + 1, setup_.workers);
    } else {
      rate_.refused(now, event.started);
    }
  }

  Server server_;
  Setup setup_;
  Tally tally_;
  LearnedRate rate_;
  Rng rng_{setup_.seed};
  Queue arrivals_;
  Queue replies_;
  std::int32_t in_flight_ = 0;
  std::int32_t cap_ = 1;
  std::optional<Instant> change_at_;
  std::int64_t change_to_ = 0;
};

struct Row {
  const char* name;
  Kind kind;
  std::int64_t limit;  // Per minute.
  std::int64_t depth;
};

constexpr Row ten_per_second[] = {{"fixed minute", Kind::fixed_minute, 600, 0},
                                  {"sliding log", Kind::sliding_log, 600, 0},
                                  {"bucket of 10", Kind::bucket, 600, 10},
                                  {"bucket of 600", Kind::bucket, 600, 600}};

Server server_of(const Row& row) { return {row.kind, row.limit, row.depth}; }

void check_use(const Row& row, const Setup& setup, std::int64_t used_percent_min,
               std::int64_t refused_per_mille_max) {
  CAPTURE(row.name);
  CAPTURE(setup.workers);
  const Tally tally = Simulation{server_of(row), setup}.run();
  const std::int64_t admitted = tally.admitted_in(10, 60);
  const std::int64_t refused = tally.refused_in(10, 60);
  CHECK(admitted * 100 >= row.limit * 50 * used_percent_min);
  CHECK(refused * 1000 <= (admitted + refused) * refused_per_mille_max);
  // While it learns, a counted minute is found once: what is in flight, and a probe per wait.
  CHECK(tally.refused_in(0, 10) <= setup.workers + 40);
}

TEST_CASE("ten requests per second are found and used, whatever the server counts by") {
  for (const Row& row : ten_per_second) {
    for (const std::int32_t workers : {16, 64}) {
      check_use(row, {.workers = workers}, 95, 1);
    }
  }
}

TEST_CASE("slow answers hide the rate at first, not for long") {
  for (const Row& row : ten_per_second) {
    check_use(row, {.workers = 64, .work_min = milliseconds{500}, .work_max = seconds{5}}, 88, 2);
  }
}

TEST_CASE("other rates are found as well") {
  constexpr Row rows[] = {{"20/s, fixed minute", Kind::fixed_minute, 1200, 0},
                          {"20/s, sliding log", Kind::sliding_log, 1200, 0},
                          {"20/s, bucket of 20", Kind::bucket, 1200, 20},
                          {"20/min, fixed minute", Kind::fixed_minute, 20, 0},
                          {"20/min, sliding log", Kind::sliding_log, 20, 0},
                          {"20/min, one at a time", Kind::bucket, 20, 1},
                          {"20/min, bucket of 20", Kind::bucket, 20, 20}};
  // Of 20 requests a minute one that is refused in five minutes is 1 %.
  for (const Row& row : rows) check_use(row, {}, 85, row.limit < 100 ? 15 : 2);
}

TEST_CASE("a limit that is halved costs few refusals, and is used again") {
  for (const Row& row : ten_per_second) {
    for (const std::uint64_t seed : {1U, 2U}) {
      CAPTURE(row.name);
      Simulation simulation{server_of(row), {.length_minutes = 33, .seed = seed}};
      const Tally tally = simulation.change_at(20, row.limit / 2).run();
      CHECK(tally.refused_in(20, 22) <= 14);
      CHECK(tally.admitted_in(23, 33) * 100 >= row.limit / 2 * 10 * 75);
    }
  }
}

TEST_CASE("a limit that is raised threefold is found within half an hour") {
  for (const Row& row : ten_per_second) {
    CAPTURE(row.name);
    Simulation simulation{server_of(row), {.length_minutes = 60}};
    const Tally tally = simulation.change_at(20, row.limit * 3).run();
    CHECK(tally.admitted_in(50, 60) * 100 >= row.limit * 3 * 10 * 85);
  }
}

}  // namespace
}  // namespace ratebatch::learned_rate_servers_test
