#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "ratebatch/quota/quota_monitor.hpp"
#include "ratebatch/run/status_report.hpp"

namespace ratebatch::progress_status_test {

using namespace provider;
using namespace quota;
using namespace run;
using namespace store;

namespace {

using std::chrono::hours;
using std::chrono::minutes;
using std::chrono::seconds;

constexpr WallTime now{1'795'334'400'000'000'000};  // 2026-11-22T08:00:00Z.

void set(StatusData& data, JobState state, std::int64_t jobs) {
  data.counts.routes[RouteId{1}].by_state[static_cast<std::size_t>(state)] = jobs;
}

// One lane, 10 of 20 jobs done, no run alive, the last one ended well.
StatusData data_of_one_lane() {
  StatusData data;
  data.routes = {{RouteId{1}, "bio", ""}};
  set(data, JobState::pending, 10);
  set(data, JobState::done, 10);
  data.lanes = {{"small", "openai", {LaneState::running, "", std::nullopt}}};
  data.last_run = PastRun{7, now - hours{2}, 4, now - hours{1}, 75, "no_key"};
  return data;
}

LiveRun live_run() { return {4242, now - minutes{5}, 4}; }

Config config_of_one_model() {
  Config config;
  config.providers["openai"].name = "openai";
  config.providers["openai"].keys = {{KeySource::From::environment, "OPENAI_API_KEY"}};
  ModelSettings model;
  model.name = "small";
  model.provider = "openai";
  model.id = "small";
  model.limits.windows = {{.name = "rpm", .amount = 500, .window = minutes{1}},
                          {.name = "rpd", .amount = 10'000, .window = hours{24}}};
  model.limits.windows[1].reset.kind = Reset::Kind::daily;
  model.limits.concurrency = 8;
  config.models["small"] = model;
  config.types["bio"].name = "bio";
  config.types["bio"].model = "small";
  return config;
}

// What the quota monitor remembers of a day on which so many requests were sent.
std::vector<StoredState> states_after(std::int64_t used) {
  const Config config = config_of_one_model();
  auto catalog = catalog_without_keys(config, {{RouteId{1}, "bio", ""}}, nullptr);
  REQUIRE(catalog.has_value());
  const Now then{{1}, now - minutes{1}};
  QuotaMonitor monitor{catalog->lanes, {}, then, {}};
  REQUIRE(monitor.set_used(then, LaneId{0}, std::nullopt, "rpd", used));
  return monitor.take_changes(then);
}

StatusReport report_of(const StatusData& data, std::string db, WallTime at) {
  const Config config = config_of_one_model();
  auto picture = picture_of(config, data.routes, nullptr, data.states, {{1}, at});
  REQUIRE(picture.has_value());
  return make_status_report(data, config, &*picture, std::move(db), at);
}

// Without its configuration.
StatusReport bare_report_of(const StatusData& data, std::string db, WallTime at) {
  return make_status_report(data, std::nullopt, nullptr, std::move(db), at);
}

OverallState state_of(const StatusData& data) { return report_of(data, "ratebatch.db", now).state; }

TEST_CASE("the state without a run") {
  StatusData data = data_of_one_lane();
  CHECK(state_of(data) == OverallState::idle);
  SUBCASE("no run ever: idle") {
    data.last_run.reset();
    CHECK(state_of(data) == OverallState::idle);
  }
  SUBCASE("no jobs at all: idle") { CHECK(state_of(StatusData{}) == OverallState::idle); }
  SUBCASE("died: interrupted") {
    data.last_run->ended.reset();
    data.last_run->exit_code.reset();
    CHECK(state_of(data) == OverallState::interrupted);
  }
  SUBCASE("stopped by Ctrl-C: interrupted") {
    data.last_run->exit_code = 130;
    CHECK(state_of(data) == OverallState::interrupted);
  }
  SUBCASE("terminated: interrupted") {
    data.last_run->exit_code = 143;
    CHECK(state_of(data) == OverallState::interrupted);
  }
  SUBCASE("nothing left: complete, however the last run ended") {
    data.last_run->exit_code = 130;
    set(data, JobState::pending, 0);
    CHECK(state_of(data) == OverallState::complete);
  }
  SUBCASE("only held jobs left: idle, a person decides") {
    set(data, JobState::pending, 0);
    set(data, JobState::held, 1);
    CHECK(state_of(data) == OverallState::idle);
  }
  SUBCASE("what the last run was doing is over") {
    data.lanes[0].status = {LaneState::tripped, "server failures", std::nullopt};
    CHECK(state_of(data) == OverallState::idle);
  }
  SUBCASE("a quota that is used up still is, for the next run too") {
    data.states = states_after(8000);
    CHECK(state_of(data) == OverallState::paused);
    data.states = states_after(7999);
    CHECK(state_of(data) == OverallState::idle);
  }
}

TEST_CASE("a lane whose quota is used up is paused, with a run or without, also after one died") {
  StatusData data = data_of_one_lane();
  data.states = states_after(8000);
  data.last_run->ended.reset();
  const StatusReport report = report_of(data, "ratebatch.db", now);
  CHECK(report.state == OverallState::paused);
  CHECK(report.lanes[0].status.state == LaneState::paused);
  CHECK(report.lanes[0].critical);
  CHECK(status_text(report, "")
            .starts_with("ratebatch.db: paused, small paused until 2026-11-23 00:00 UTC, in 16h: "
                         "8,000 of 10,000 "
                         "requests (rpd)\n"));
  CHECK(
      status_text(report, "")
          .find(
              "  small  10/20; paused until 2026-11-23 00:00 UTC, in 16h: 8,000 of 10,000 requests "
              "(rpd); quota nearly used up\n"
              "    rpm 0 of 500\n"
              "    rpd 8,000 of 10,000 (pauses at 8,000), resets 2026-11-23 00:00 UTC\n"
              "    concurrency 8\n") != std::string::npos);
  const auto json = nlohmann::json::parse(status_json(report));
  CHECK(json["state"] == "paused");
  CHECK(json["reason"] == "rpd");
  CHECK(json["until"] == "2026-11-23T00:00:01Z");
  CHECK(json["bottleneck"] == "rpd of small");
  const auto& lane = json["lanes"][0];
  CHECK(lane["critical"] == true);
  CHECK(lane["limits"][1] == nlohmann::json{{"limit", "rpd"},
                                            {"used", 8000},
                                            {"max", 10'000},
                                            {"threshold", 8000},
                                            {"resets_at", "2026-11-23T00:00:00Z"}});
  CHECK(lane["keys"][0]["key"] == "OPENAI_API_KEY");
  CHECK(lane["keys"][0]["group"] == "default");
  CHECK(lane["keys"][0]["state"] == "paused");
  CHECK(lane["keys"][0]["limits"] == lane["limits"]);
}

TEST_CASE("the forecast of a run that is alive counts the pauses on its way") {
  StatusData data = data_of_one_lane();
  data.live_run = live_run();
  data.jobs_per_minute = 5;
  data.states = states_after(7995);
  const StatusReport report = report_of(data, "x.db", now);
  CHECK(report.eta == Duration{hours{16} + minutes{1}});
  CHECK(report.eta_pauses == 1);
  CHECK(nlohmann::json::parse(status_json(report))["eta"]["pauses"] == 1);
}

TEST_CASE("a model of the checkpoint that no run has used yet is shown too") {
  StatusData data = data_of_one_lane();
  data.lanes.clear();
  data.last_run.reset();
  const StatusReport report = report_of(data, "x.db", now);
  REQUIRE(report.lanes.size() == 1);
  CHECK(report.lanes[0].model == "small");
  CHECK(report.lanes[0].provider == "openai");
  CHECK(report.lanes[0].jobs->of(JobState::pending) == 10);
}

TEST_CASE("the state with a run alive") {
  StatusData data = data_of_one_lane();
  data.live_run = live_run();
  CHECK(state_of(data) == OverallState::running);
  data.lanes[0].status = {LaneState::waiting, "429: requests", now + seconds{9}};
  CHECK(state_of(data) == OverallState::waiting);
  data.lanes[0].status = {LaneState::tripped, "server failures", std::nullopt};
  CHECK(state_of(data) == OverallState::waiting);
  data.lanes[0].status = {LaneState::paused, "quota used up", now + hours{9}};
  CHECK(state_of(data) == OverallState::paused);
  set(data, JobState::running, 1);
  CHECK(state_of(data) == OverallState::running);
}

TEST_CASE("jobs that a dead run left running are unknown") {
  StatusData data = data_of_one_lane();
  set(data, JobState::running, 3);
  const StatusReport dead = report_of(data, "x.db", now);
  CHECK(dead.jobs.of(JobState::running) == 0);
  CHECK(dead.jobs.of(JobState::unknown) == 3);
  CHECK(dead.lanes[0].jobs->of(JobState::running) == 0);
  data.live_run = live_run();
  const StatusReport alive = report_of(data, "x.db", now);
  CHECK(alive.jobs.of(JobState::running) == 3);
  CHECK(alive.jobs.of(JobState::unknown) == 0);
}

TEST_CASE("the forecast adds the wait, and there is none without a run") {
  StatusData data = data_of_one_lane();
  data.jobs_per_minute = 5;
  data.lanes[0].status = {LaneState::waiting, "429: requests", now + minutes{3}};
  CHECK(bare_report_of(data, "x.db", now).eta == std::nullopt);
  data.live_run = live_run();
  CHECK(bare_report_of(data, "x.db", now).eta == Duration{minutes{5}});
}

TEST_CASE("the text of a run that waits") {
  StatusData data = data_of_one_lane();
  data.stamp.sandbox = true;
  data.live_run = live_run();
  data.jobs_per_minute = 5;
  data.latency = Latency{900, 2100};
  data.counts.calls = {12, 0, 2, 400, 1600, 0};
  data.lanes[0].status = {LaneState::waiting, "429: requests", now + seconds{24}};
  const auto report = report_of(data, "ratebatch.db", now);
  CHECK(status_text(report, "") ==
        "ratebatch.db (SANDBOX): waiting, small waiting 24s: 429: requests\n"
        "  jobs      10 of 20 done, 10 waiting\n"
        "  speed     5.0/min, done in 2min 24s (2026-11-22T08:02:24Z)\n"
        "  calls     12 sent, 2 rate limited; 900ms for half of them, 2.1s for 95 %\n"
        "  used      400 input and 1,600 output tokens\n"
        "  run       process 4242, 4 workers, since 2026-11-22T07:55:00Z (5min)\n"
        "\nmodels\n"
        "  small  10/20; waiting 24s: 429: requests\n"
        "    rpm 0 of 500\n"
        "    rpd 0 of 10,000 (pauses at 8,000), resets 2026-11-23 00:00 UTC\n"
        "    concurrency 8\n");
}

TEST_CASE("the text after a run that died says what resume will do") {
  StatusData data = data_of_one_lane();
  set(data, JobState::pending, 7);
  set(data, JobState::running, 2);
  set(data, JobState::failed, 1);
  data.failures = {{"content_policy", 1}};
  data.last_run->ended.reset();
  data.last_run->exit_code.reset();
  const auto report = bare_report_of(data, "my.db", now);
  CHECK(status_text(report, " --db my.db") ==
        "my.db: interrupted\n"
        "  jobs      10 of 20 done, 1 failed, 7 waiting, 2 unknown\n"
        "  calls     0 sent\n"
        "  last run  died; process 7, started 2026-11-22T06:00:00Z\n"
        "\nmodels\n"
        "  small\n"
        "\nfailures\n"
        "  content_policy  1\n"
        "\n"
        "ratebatch status --failed --db my.db: lists the failed jobs\n"
        "ratebatch retry --failed --db my.db: puts them back in the queue\n"
        "ratebatch resume --db my.db: goes on; unknown jobs were sent before the run died, and are "
        "sent again\n");
}

TEST_CASE("a failed job is listed with its place and the words of the server, escaped") {
  JobRow job;
  job.id = "bio-1";
  job.outcome_class = "content_policy";
  job.message = "no\x1b[31m";
  job.http_status = 400;
  job.file = "/tmp/jobs.jsonl";
  job.line = 17;
  CHECK(failed_jobs_text({job}) ==
        "/tmp/jobs.jsonl:17: bio-1: content_policy (HTTP 400): no\\x1b[31m\n");
}

TEST_CASE("the JSON has every field of its contract, also without a run or a configuration") {
  const auto report = bare_report_of(StatusData{}, "x.db", now);
  const auto json = nlohmann::json::parse(status_json(report));
  for (const char* field :
       {"schema_version", "message_type",    "db",           "sandbox",    "state",
        "reason",         "until",           "bottleneck",   "run",        "last_run",
        "jobs",           "calls",           "success_rate", "latency_ms", "tokens",
        "cost_usd",       "jobs_per_minute", "eta",          "types",      "lanes",
        "failures"}) {
    CAPTURE(field);
    CHECK(json.contains(field));
  }
  CHECK(json["message_type"] == "status");
  CHECK(json["state"] == "idle");
  CHECK(json["run"].is_null());
  CHECK(json["last_run"]["ended_at"].is_null());
  for (const char* field : {"total", "pending", "running", "fetching", "unknown", "held", "done",
                            "failed", "cancelled", "truncated", "changed"}) {
    CAPTURE(field);
    CHECK(json["jobs"][field] == 0);
  }
}

TEST_CASE("the JSON of a lane has its state, jobs, limits and key names") {
  StatusData data = data_of_one_lane();
  data.live_run = live_run();
  data.lanes[0].status = {LaneState::paused, "quota used up", now + hours{9}};
  const auto report = report_of(data, "x.db", now);
  const auto json = nlohmann::json::parse(status_json(report));
  CHECK(json["state"] == "paused");
  CHECK(json["reason"] == "quota used up");
  CHECK(json["until"] == "2026-11-22T17:00:00Z");
  CHECK(json["bottleneck"] == "quota used up of small");
  CHECK(json["run"]["pid"] == 4242);
  CHECK(json["success_rate"] == 1.0);
  const auto& lane = json["lanes"][0];
  CHECK(lane["model"] == "small");
  CHECK(lane["concurrency"] == 8);
  CHECK(lane["jobs"]["pending"] == 10);
  CHECK(lane["limits"][0]["limit"] == "rpm");
  CHECK(lane["limits"][0]["max"] == 500);
  CHECK(lane["keys"][0]["key"] == "OPENAI_API_KEY");
}

TEST_CASE("paid answers whose files are not here yet are shown with what keeps them") {
  StatusData data = data_of_one_lane();
  CHECK(nlohmann::json::parse(status_json(report_of(data, "x.db", now)))["downloads"].is_null());
  set(data, JobState::fetching, 3);
  data.downloads = Downloads{3, now + minutes{2}, "HTTP 503 from files.test"};
  const auto report = report_of(data, "x.db", now);
  const std::string text = status_text(report, "");
  CHECK(text.find("  files     of 3 paid answers still to be downloaded, next try "
                  "2026-11-22T08:02:00Z; HTTP 503 from files.test\n") != std::string::npos);
  CHECK(text.find("  small  10/23, 3 fetching\n") != std::string::npos);
  const auto json = nlohmann::json::parse(status_json(report));
  CHECK(json["downloads"] == nlohmann::json{{"waiting", 3},
                                            {"next_try_at", "2026-11-22T08:02:00Z"},
                                            {"message", "HTTP 503 from files.test"}});
}

TEST_CASE("bytes that are not UTF-8 do not break a JSON line") {
  JobRow job;
  job.message = "\xff\n";
  const std::string line = failed_job_json(job);
  CHECK(line.find('\n') == std::string::npos);
  CHECK(nlohmann::json::parse(line)["message"] == "\xef\xbf\xbd\n");
}

}  // namespace
}  // namespace ratebatch::progress_status_test
