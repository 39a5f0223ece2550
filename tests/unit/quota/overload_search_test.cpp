// A limit of requests in flight against servers that say "overloaded", in virtual time.
#include "ratebatch/quota/overload_search.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <cstdint>
#include <functional>
#include <queue>
#include <vector>

#include "ratebatch/base/random.hpp"
#include "ratebatch/quota/concurrency.hpp"

namespace ratebatch::overload_search_test {

using namespace quota;

namespace {

struct Request {
  std::int64_t ends_ns = 0;
  std::int64_t began_ns = 0;
  bool overloaded = false;

  friend bool operator>(const Request& a, const Request& b) { return a.ends_ns > b.ends_ns; }
};

struct Server {
  std::int32_t workers = 16;
  Duration service = std::chrono::milliseconds{200};
  // Whether a request is refused that arrives as so many are in flight, itself included.
  std::function<bool(std::int32_t in_flight, Rng& rng)> refuses;
};

struct Run {
  std::int64_t done = 0;
  std::int64_t overloaded = 0;
};

// Workers that always have a next job, from `from` on counted, until `until`.
Run served(const Server& server, std::uint64_t seed, std::int64_t from_s, std::int64_t until_s) {
  Rng rng{seed};
  ConcurrencyLimit limit{std::nullopt};
  std::priority_queue<Request, std::vector<Request>, std::greater<>> in_flight;
  Run run;
  std::int64_t now_ns = 1'000'000'000;
  const std::int64_t begin_ns = now_ns;
  while (now_ns < begin_ns + until_s * 1'000'000'000) {
    while (!limit.full() && limit.in_flight() < server.workers) {
      limit.enter({now_ns});
      const bool overloaded = server.refuses(limit.in_flight(), rng);
      const std::int64_t jitter = rng.between(900, 1100);
      const std::int64_t takes = overloaded ? 5'000'000 : server.service.count() / 1000 * jitter;
      in_flight.push({now_ns + takes, now_ns, overloaded});
    }
    const Request request = in_flight.top();
    in_flight.pop();
    now_ns = request.ends_ns;
    limit.leave();
    const bool counts = now_ns >= begin_ns + from_s * 1'000'000'000;
    if (request.overloaded) {
      limit.overloaded({request.began_ns}, {now_ns});
      run.overloaded += counts ? 1 : 0;
    } else {
      limit.succeeded({request.began_ns}, {now_ns});
      run.done += counts ? 1 : 0;
    }
  }
  return run;
}

TEST_CASE("overloads at random cost their own retries and little more") {
  struct Row {
    std::int64_t per_100k;
    std::int64_t least_percent;  // Of the rate without them.
  };
  constexpr Row rows[] = {{100, 97}, {400, 96}, {1000, 95}, {2000, 93}, {5000, 88}, {10'000, 75}};
  for (const Row& row : rows) {
    for (const std::int32_t workers : {4, 16, 200}) {
      for (std::uint64_t seed = 1; seed <= 5; ++seed) {
        CAPTURE(row.per_100k);
        CAPTURE(workers);
        CAPTURE(seed);
        Server server;
        server.workers = workers;
        server.refuses = [&](std::int32_t, Rng& rng) {
          return rng.between(0, 99'999) < row.per_100k;
        };
        const Run run = served(server, seed, 0, 300);
        const std::int64_t ideal = workers * 300 * 5;
        CHECK(run.done * 100 >= ideal * row.least_percent);
      }
    }
  }
}

TEST_CASE("a server that fails one in ten above eight in flight is found out within a minute") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    Server server;
    server.workers = 64;
    server.refuses = [](std::int32_t in_flight, Rng& rng) {
      return in_flight > 8 && rng.between(0, 9) == 0;
    };
    const Run run = served(server, seed, 60, 360);
    const std::int64_t ideal = 8 * 300 * 5;
    CHECK(run.done * 10 >= ideal * 9);
    CHECK(run.overloaded * 50 <= run.done + run.overloaded);
  }
}

TEST_CASE("a server that takes four at once and says overloaded to the fifth") {
  for (std::uint64_t seed = 1; seed <= 5; ++seed) {
    CAPTURE(seed);
    Server server;
    server.refuses = [](std::int32_t in_flight, Rng&) { return in_flight > 4; };
    const Run run = served(server, seed, 60, 360);
    CHECK(run.done * 10 >= 4 * 300 * 5 * 9);
    CHECK(run.overloaded * 50 <= run.done + run.overloaded);
  }
}

}  // namespace
}  // namespace ratebatch::overload_search_test
