#include "ratebatch/quota/waves.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <chrono>
#include <string>

namespace ratebatch::waves_test {

using namespace quota;

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::seconds;

constexpr Waves three_every_15s{3, seconds{15}};

Instant at(std::int64_t s) { return Instant{1'000'000'000'000} + seconds{s}; }

Now both(Instant steady) {
  return {steady, WallTime{1'795'000'000'000'000'000} + (steady - at(0))};
}

// Starts `count` at `s`, all of which end a second later.
void wave(WaveGate& gate, std::int64_t s, int count, bool refused = false) {
  for (int i = 0; i < count; ++i) gate.enter(at(s));
  for (int i = 0; i < count; ++i) {
    if (refused) gate.refused();
    gate.leave(at(s + 1));
  }
}

TEST_CASE("a column of steps: three at once, then a delay after the last of them ended") {
  WaveGate gate{three_every_15s};
  for (int i = 0; i < 3; ++i) {
    CHECK(gate.earliest(at(0)) == at(0));
    gate.enter(at(0));
  }
  CHECK(!gate.earliest(at(0)));
  gate.leave(at(4));
  CHECK(!gate.earliest(at(4)));
  gate.leave(at(9));
  CHECK(!gate.earliest(at(100)));
  gate.leave(at(5));
  CHECK(gate.earliest(at(9)) == at(24));
  CHECK(gate.earliest(at(24) - Duration{1}) == at(24));
  CHECK(gate.earliest(at(24)) == at(24));
  CHECK(gate.earliest(at(99)) == at(99));
  gate.enter(at(24));
  CHECK(gate.earliest(at(24)) == at(24));
}

TEST_CASE("a wave may be joined until its first member has ended") {
  WaveGate gate{three_every_15s};
  gate.enter(at(0));
  CHECK(gate.earliest(at(7)) == at(7));
  gate.enter(at(7));
  CHECK(gate.earliest(at(7)) == at(7));
  gate.leave(at(8));
  CHECK(!gate.earliest(at(8)));
  gate.leave(at(9));
  CHECK(gate.earliest(at(9)) == at(24));
}

TEST_CASE("waves of one, and without a delay") {
  WaveGate gate{{1, Duration{}}};
  for (int i = 0; i < 5; ++i) {
    CHECK(gate.earliest(at(i)) == at(i));
    gate.enter(at(i));
    CHECK(!gate.earliest(at(i)));
    gate.leave(at(i));
  }
}

TEST_CASE("a refusal takes one from the waves, once per wave, down to one") {
  WaveGate gate{three_every_15s};
  wave(gate, 0, 3, true);
  CHECK(gate.size() == 2);
  wave(gate, 100, 2, true);
  CHECK(gate.size() == 1);
  wave(gate, 200, 1, true);
  CHECK(gate.size() == 1);
}

TEST_CASE("a refusal closes a wave that has become full by it") {
  WaveGate gate{three_every_15s};
  gate.enter(at(0));
  gate.enter(at(0));
  gate.refused();
  CHECK(!gate.earliest(at(0)));
}

TEST_CASE("each clean full wave gives one back, up to the configured size") {
  WaveGate gate{three_every_15s};
  wave(gate, 0, 3, true);
  wave(gate, 100, 2, true);
  REQUIRE(gate.size() == 1);
  wave(gate, 200, 1);
  CHECK(gate.size() == 2);
  wave(gate, 300, 1);
  CHECK(gate.size() == 2);  // Not full: it shows nothing.
  wave(gate, 400, 2);
  CHECK(gate.size() == 3);
  wave(gate, 500, 3);
  CHECK(gate.size() == 3);
}

TEST_CASE("the end of the last wave and the size survive a restart") {
  WaveGate gate{three_every_15s};
  wave(gate, 0, 3, true);
  const std::string stored = gate.store(both(at(6)));
  // The machine was started anew in between.
  const auto later = [](Duration d) { return Now{Instant{7} + d, both(at(1)).wall + d}; };
  for (const std::int64_t s : {0, 5, 14, 15, 16, 1'000'000}) {
    WaveGate restored{three_every_15s};
    REQUIRE(restored.restore(later(seconds{s}), stored));
    CHECK(restored.size() == 2);
    const Instant now = later(seconds{s}).steady;
    CHECK(restored.earliest(now) == std::max(now, Instant{7} + seconds{15}));
  }
  // The clock was set back: the delay from now on, not more.
  WaveGate restored{three_every_15s};
  REQUIRE(restored.restore(later(-hours{5}), stored));
  CHECK(restored.earliest(later(-hours{5}).steady) == later(-hours{5}).steady + seconds{15});
}

TEST_CASE("what was in flight when the process ended counts as ended then") {
  WaveGate gate{three_every_15s};
  wave(gate, 0, 3);
  gate.enter(at(50));
  const std::string stored = gate.store(both(at(60)));
  WaveGate restored{three_every_15s};
  REQUIRE(restored.restore(both(at(62)), stored));
  CHECK(restored.earliest(at(62)) == at(75));
}

TEST_CASE("a new configured size holds, but for what was learned below it") {
  struct Row {
    std::int32_t learned;
    std::int32_t configured_then;
    std::int32_t configured_now;
    std::int32_t size;
  };
  constexpr Row rows[] = {{3, 3, 3, 3}, {3, 3, 6, 6}, {3, 3, 2, 2}, {2, 3, 6, 2}, {2, 6, 1, 1}};
  for (const Row& row : rows) {
    WaveGate gate{{row.configured_then, seconds{1}}};
    for (std::int32_t i = row.configured_then; i > row.learned; --i) {
      wave(gate, 1'000 - 100 * i, 1, true);
    }
    REQUIRE(gate.size() == row.learned);
    WaveGate restored{{row.configured_now, seconds{1}}};
    REQUIRE(restored.restore(both(at(0)), gate.store(both(at(0)))));
    CHECK(restored.size() == row.size);
  }
}

TEST_CASE("a fresh gate stores no end, and may start at once") {
  const WaveGate gate{three_every_15s};
  WaveGate restored{three_every_15s};
  REQUIRE(restored.restore(both(at(0)), gate.store(both(at(0)))));
  CHECK(restored.earliest(at(0)) == at(0));
}

TEST_CASE("a stored text that is not understood changes nothing") {
  WaveGate gate{three_every_15s};
  wave(gate, 0, 3, true);
  const std::string before = gate.store(both(at(1)));
  for (const char* text : {"", "1", "1 2", "2 2 3", "1 0 3", "1 4 3", "1 2 3 x", "1 2 3 4 5"}) {
    CAPTURE(text);
    CHECK(!gate.restore(both(at(1)), text));
    CHECK(gate.store(both(at(1))) == before);
  }
  CHECK(gate.restore(both(at(1)), "1 2 3 9223372036854775807"));
  CHECK(gate.earliest(at(1)) == at(16));
  CHECK(gate.restore(both(at(1)), "1 2 3 -9223372036854775808"));
  CHECK(gate.earliest(at(1)) == at(1));
}

}  // namespace
}  // namespace ratebatch::waves_test
