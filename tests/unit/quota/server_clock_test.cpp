#include "ratebatch/quota/server_clock.hpp"

#include <doctest/doctest.h>

#include <chrono>

#include "ratebatch/base/random.hpp"

namespace ratebatch::server_clock_test {

using namespace quota;

namespace {

using std::chrono::days;
using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr WallTime truth_at_start{1'795'000'000'250'000'000};
constexpr Instant steady_at_start{5'000'000'000'000};

// The world `since` the start, with a local clock that is wrong by `error`.
struct World {
  Duration since{};
  Duration error{};

  [[nodiscard]] WallTime truth() const { return truth_at_start + since; }
  [[nodiscard]] Now now() const { return {steady_at_start + since, truth() + error}; }
};

// The server cuts off the fraction of a second, then the reply takes `transfer`.
void reply(ServerClock& clock, World& world, Duration transfer) {
  const WallTime date{world.truth().ns / 1'000'000'000 * 1'000'000'000};
  world.since += transfer;
  clock.saw(world.now(), date);
}

const Duration errors[] = {Duration{},        seconds{1},        seconds{-1}, hours{2},
                           hours{-2},         days{1},           days{-1},    days{3650},
                           milliseconds{300}, milliseconds{-300}};

TEST_CASE("without a reply the local clock counts") {
  const ServerClock clock;
  for (const Duration error : errors) {
    const World world{.error = error};
    CHECK(clock.at(world.now()) == world.truth() + error);
  }
}

TEST_CASE("one reply bounds the time to a second and its way, whatever the local clock shows") {
  for (const Duration error : errors) {
    CAPTURE(error.count());
    for (int ms = 0; ms < 1'000; ms += 125) {
      ServerClock clock;
      World world{.since = milliseconds{ms}, .error = error};
      reply(clock, world, milliseconds{80});
      CHECK(clock.at(world.now()) <= world.truth());
      CHECK(clock.at(world.now()) > world.truth() - seconds{1} - milliseconds{80});
    }
  }
}

TEST_CASE("after some replies it lags by little more than the fastest of them took") {
  ServerClock clock;
  World world{.error = hours{-2}};
  Rng rng{3};
  for (int i = 0; i < 100; ++i) {
    world.since += milliseconds{rng.between(50, 3'000)};
    reply(clock, world, milliseconds{rng.between(40, 60'000)});
  }
  for (int i = 0; i < 100; ++i) {
    world.since += milliseconds{rng.between(50, 3'000)};
    reply(clock, world, milliseconds{rng.between(40, 200)});
    CHECK(clock.at(world.now()) <= world.truth());
  }
  CHECK(clock.at(world.now()) > world.truth() - milliseconds{250});
}

TEST_CASE("steps of the local clock after a reply change nothing") {
  for (const Duration before : errors) {
    for (const Duration after : errors) {
      ServerClock clock;
      World world{.error = before};
      reply(clock, world, milliseconds{80});
      const Duration lag = world.truth() - clock.at(world.now());
      world.error = after;
      // Over night, the machine asleep for some of it: the steady clock goes on.
      world.since += hours{14};
      CHECK(world.truth() - clock.at(world.now()) == lag);
      reply(clock, world, milliseconds{80});
      CHECK(clock.at(world.now()) <= world.truth());
    }
  }
}

TEST_CASE("a lane that waits for a reset wakes within a second or so after it") {
  for (const Duration error : errors) {
    ServerClock clock;
    World world{.error = error};
    reply(clock, world, milliseconds{200});
    const WallTime reset = world.truth() + hours{3};
    // Sleeps as long as the clock says, by the steady clock; then asks again.
    world.error = -error;
    world.since += reset - clock.at(world.now());
    CHECK(clock.at(world.now()) == reset);
    CHECK(world.truth() >= reset);
    CHECK(world.truth() <= reset + seconds{1} + milliseconds{200});
  }
}

TEST_CASE("a server whose clock was ahead is forgotten within the hour") {
  ServerClock clock;
  World world;
  clock.saw(world.now(), world.truth() + minutes{10});
  CHECK(clock.at(world.now()) == world.truth() + minutes{10});
  for (int i = 0; i < 61; ++i) {
    world.since += minutes{1};
    reply(clock, world, milliseconds{10});
  }
  CHECK(clock.at(world.now()) <= world.truth());
  CHECK(clock.at(world.now()) > world.truth() - seconds{2});
}

TEST_CASE("so it is by the next reply, where that comes hours later") {
  ServerClock clock;
  World world;
  clock.saw(world.now(), world.truth() + minutes{10});
  world.since += hours{2};
  reply(clock, world, milliseconds{10});
  CHECK(clock.at(world.now()) <= world.truth());
}

TEST_CASE("a good bound counts for half an hour at least, and is not lost where no reply comes") {
  ServerClock clock;
  World world{.since = milliseconds{750}};  // A whole second of the server.
  reply(clock, world, milliseconds{20});
  CHECK(world.truth() - clock.at(world.now()) == milliseconds{20});
  for (int i = 0; i < 29; ++i) {
    world.since += minutes{1} - milliseconds{500};
    reply(clock, world, milliseconds{500});
    CHECK(world.truth() - clock.at(world.now()) == milliseconds{20});
  }
  world.since += days{2};
  CHECK(world.truth() - clock.at(world.now()) == milliseconds{20});
}

TEST_CASE("a server that does not know the time is not asked") {
  ServerClock clock;
  const World world;
  clock.saw(world.now(), WallTime{});
  clock.saw(world.now(), WallTime{1'577'836'799'000'000'000});
  CHECK(clock.at(world.now()) == world.truth());
  clock.saw(world.now(), WallTime{1'577'836'800'000'000'000});
  CHECK(clock.at(world.now()) == WallTime{1'577'836'800'000'000'000});
}

}  // namespace
}  // namespace ratebatch::server_clock_test
