#include <doctest/doctest.h>

#include <string>

#include "ratebatch/run/progress.hpp"

namespace ratebatch::progress_text_test {

using namespace run;
using namespace store;

namespace {

using std::chrono::hours;
using std::chrono::milliseconds;
using std::chrono::minutes;
using std::chrono::seconds;

// 2026-11-22T08:00:00Z.
constexpr WallTime now{1'795'334'400'000'000'000};

JobCounts jobs_of(std::int64_t pending, std::int64_t done, std::int64_t failed = 0) {
  JobCounts jobs;
  jobs.by_state[static_cast<std::size_t>(JobState::pending)] = pending;
  jobs.by_state[static_cast<std::size_t>(JobState::done)] = done;
  jobs.by_state[static_cast<std::size_t>(JobState::failed)] = failed;
  return jobs;
}

Progress two_lanes() {
  Progress progress;
  progress.lanes.push_back({"gpt-4o-mini",
                            {LaneState::waiting, "429: requests", now + seconds{24}},
                            jobs_of(28'651, 8180),
                            0,
                            238.4,
                            minutes{121}});
  progress.lanes.push_back({"gpt-image-1",
                            {LaneState::running, "", std::nullopt},
                            jobs_of(27, 12, 1),
                            2,
                            3.52,
                            minutes{8}});
  progress.jobs = jobs_of(28'678, 8192, 1);
  progress.in_flight = 2;
  progress.workers = 4;
  progress.per_minute = 242;
  progress.eta = minutes{121};
  return progress;
}

TEST_CASE("on a wide terminal each lane has a line with a bar, and all have one") {
  const auto lines = progress_lines(two_lanes(), now, 140);
  REQUIRE(lines.size() == 3);
  CHECK(lines[0] ==
        "gpt-4o-mini  [####----------------]  8,180/36,831  238/min  ETA 2h 1min  "
        "waiting 24s: 429: requests");
  CHECK(lines[1] ==
        "gpt-image-1  [######--------------]         12/40  3.5/min  ETA 8min     "
        "1 failed");
  CHECK(lines[2] ==
        "all          [####----------------]  8,192/36,871  242/min  ETA 2h 1min  "
        "2 of 4 workers busy, 1 failed");
}

TEST_CASE("the bar shrinks, then goes, then notes are cut, as the terminal gets narrower") {
  const auto first = [](std::size_t width) {
    return progress_lines(two_lanes(), now, width).front();
  };
  CHECK(first(100).find("[##--------]") != std::string::npos);
  CHECK(first(90) == "gpt-4o-mini  8,180/36,831  238/min  ETA 2h 1min  waiting 24s: 429: requests");
  CHECK(first(60) == "gpt-4o-mini  8,180/36,831  238/min  ETA 2h 1min  waiting...");
  CHECK(first(60).size() == 59);
}

TEST_CASE("no line reaches the last column of the terminal") {
  for (std::size_t width = 20; width <= 140; ++width) {
    for (const std::string& line : progress_lines(two_lanes(), now, width)) {
      CHECK(line.size() < width);
    }
  }
}

TEST_CASE("a line of exactly the free columns is not cut") {
  Progress progress;
  progress.jobs = jobs_of(0, 1);
  const std::string full = progress_lines(progress, now, 200).back();
  const std::string bare = "all  1/1  0/min    0 of 0 workers busy";
  CHECK(full == "all  [####################]  1/1  0/min    0 of 0 workers busy");
  CHECK(progress_lines(progress, now, bare.size() + 2).back() == bare);
  CHECK(progress_lines(progress, now, bare.size() + 1).back() == bare);
  CHECK(progress_lines(progress, now, bare.size()).back() ==
        "all  1/1  0/min    0 of 0 workers ...");
}

TEST_CASE("a cut never splits a character") {
  Progress progress;
  progress.lanes.push_back({"modèle-é", {}, jobs_of(1, 0), 0, 0, std::nullopt});
  progress.jobs = jobs_of(1, 0);
  CHECK(progress_lines(progress, now, 20).front() == "modèle-é  0/1  0...");
}

TEST_CASE("a model name from outside cannot move the cursor") {
  Progress progress;
  progress.lanes.push_back({"a\x1b[2Jb", {}, jobs_of(1, 0), 0, 0, std::nullopt});
  progress.jobs = jobs_of(1, 0);
  for (const std::string& line : progress_lines(progress, now, 80)) {
    CHECK(line.find('\x1b') == std::string::npos);
  }
  CHECK(progress_line(progress, now).find('\x1b') == std::string::npos);
}

TEST_CASE("without a terminal everything is on one line with its time") {
  CHECK(progress_line(two_lanes(), now) ==
        "2026-11-22T08:00:00Z 8,192/36,871 done, 242/min, ETA 2h 1min, 2 of 4 workers busy, "
        "1 failed; gpt-4o-mini waiting 24s: 429: requests");
}

TEST_CASE("a run says that it is a rehearsal, that it stops, that the disk is full") {
  Progress progress;
  progress.jobs = jobs_of(1, 0);
  progress.sandbox = true;
  CHECK(progress_line(progress, now) ==
        "2026-11-22T08:00:00Z 0/1 done, 0/min, SANDBOX, 0 of 0 workers busy");
  progress.sandbox = false;
  progress.stopping = true;
  CHECK(progress_line(progress, now) ==
        "2026-11-22T08:00:00Z 0/1 done, 0/min, 0 of 0 workers busy, stopping, Ctrl-C again gives "
        "up what is in flight");
  progress.stopping = false;
  progress.storage_waits = true;
  CHECK(progress_line(progress, now) ==
        "2026-11-22T08:00:00Z 0/1 done, 0/min, 0 of 0 workers busy, waiting for room on the disk");
}

TEST_CASE("what a lane waits for is said with its end") {
  struct Row {
    LaneStatus status;
    std::string text;
  };
  const Row rows[] = {
      {{LaneState::idle, "", std::nullopt}, ""},
      {{LaneState::running, "", std::nullopt}, ""},
      {{LaneState::waiting, "429: requests", now + seconds{24}}, "waiting 24s: 429: requests"},
      {{LaneState::waiting, "429: tokens", now + milliseconds{1}}, "waiting 1s: 429: tokens"},
      {{LaneState::waiting, "429: tokens", now - seconds{1}}, "waiting 1s: 429: tokens"},
      {{LaneState::waiting, "429: tokens", now + milliseconds{1001}}, "waiting 2s: 429: tokens"},
      {{LaneState::waiting, "", std::nullopt}, "waiting"},
      {{LaneState::paused, "quota used up", now + hours{24}},
       "paused until 2026-11-23T08:00Z, in 24h: quota used up"},
      {{LaneState::paused, "quota used up", now + hours{6} + minutes{12}},
       "paused until 2026-11-22T14:12Z, in 6h 12min: quota used up"},
      {{LaneState::paused, "quota used up", std::nullopt}, "paused: quota used up"},
      {{LaneState::tripped, "server failures", std::nullopt}, "tripped: server failures"},
      {{LaneState::no_key, "no usable key", std::nullopt}, "stopped: no usable key"},
      {{LaneState::slowed, "refusals", std::nullopt}, "slowed: refusals"},
      {{LaneState::stopped, "404: no such model", std::nullopt}, "stopped: 404: no such model"},
      {{LaneState::no_key, "a\nb", std::nullopt}, "stopped: a\\x0ab"},
  };
  for (const Row& row : rows) CHECK(wait_text(row.status, {}, now) == row.text);
}

TEST_CASE("rates below ten have a decimal") {
  CHECK(rate_text(0) == "0/min");
  CHECK(rate_text(0.04) == "0.0/min");
  CHECK(rate_text(9.94) == "9.9/min");
  CHECK(rate_text(9.95) == "10/min");
  CHECK(rate_text(1234.4) == "1,234/min");
}

TEST_CASE("a lane that waits for a limit says how much of it is used, in the zone of its reset") {
  auto zone = TimeZone::find("America/Los_Angeles");
  REQUIRE(zone.has_value());
  LaneProgress lane;
  lane.model = "small";
  lane.status = {LaneState::paused, "rpd", now + hours{24}};
  lane.jobs = jobs_of(1, 0);
  lane.limits = {{{"rpd", Resource::requests, 8000, 10'000, 8000, now + hours{24}, true}, *zone}};
  CHECK(wait_text(lane.status, lane.limits, now) ==
        "paused until 2026-11-23 00:00 PST, in 24h: 8,000 of 10,000 requests (rpd)");
  Progress progress;
  progress.lanes = {lane};
  CHECK(progress_line(progress, now) ==
        "2026-11-22T08:00:00Z 0/0 done, 0/min, 0 of 0 workers busy; small paused until 2026-11-23 "
        "00:00 PST, in 24h: 8,000 of 10,000 requests (rpd)");
}

TEST_CASE("cancelled jobs do not count, held ones do") {
  JobCounts jobs = jobs_of(1, 2, 3);
  jobs.by_state[static_cast<std::size_t>(JobState::cancelled)] = 10;
  jobs.by_state[static_cast<std::size_t>(JobState::held)] = 4;
  CHECK(total_of(jobs) == 10);
  CHECK(ended(jobs) == 5);
}

}  // namespace
}  // namespace ratebatch::progress_text_test
