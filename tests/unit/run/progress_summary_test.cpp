#include <doctest/doctest.h>

#include <nlohmann/json.hpp>

#include "ratebatch/run/json_line.hpp"
#include "ratebatch/run/run_summary.hpp"

namespace ratebatch::progress_summary_test {

using namespace provider;
using namespace run;
using namespace store;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

void set(Counts& counts, JobState state, std::int64_t jobs) {
  counts.routes[RouteId{1}].by_state[static_cast<std::size_t>(state)] = jobs;
}

RunSummary complete_run() {
  RunSummary summary;
  summary.db = "ratebatch.db";
  summary.reason = "complete";
  summary.took = seconds{12};
  set(summary.before, JobState::done, 40);
  set(summary.before, JobState::pending, 60);
  set(summary.after, JobState::done, 100);
  summary.before.calls.sent = 41;
  summary.after.calls.sent = 103;
  summary.after.calls.rate_limited = 2;
  return summary;
}

TEST_CASE("a run that finished everything names the next command") {
  CHECK(summary_text(complete_run()) ==
        "Finished: 100 of 100 jobs done after 12s\n"
        "  this run  60 done (100.0 %)\n"
        "  calls     62 sent, 2 rate limited\n"
        "  next      ratebatch results -o results.jsonl  (writes the results)\n");
}

TEST_CASE("a run with failures says how to retry them, with the checkpoint in question") {
  RunSummary summary = complete_run();
  summary.command_end = " --db live.db";
  summary.output = "out.jsonl";
  summary.waits = {{"small", "429: requests", seconds{75}}};
  summary.longest_recovery = milliseconds{3200};
  summary.files_written = 3;
  summary.files_folder = "ratebatch-assets";
  summary.after.calls.input_tokens = 1500;
  set(summary.after, JobState::done, 97);
  set(summary.after, JobState::failed, 3);
  CHECK(
      summary_text(summary) ==
      "Finished: 97 of 100 jobs done after 12s, 3 failed\n"
      "  this run  57 done (95.0 %), 3 failed (5.0 %)\n"
      "  calls     62 sent, 2 rate limited; 1,500 input and 0 output tokens\n"
      "  waited    small 1min 15s: 429: requests\n"
      "  recovery  3.2s from a 429 to the next answer, at the longest\n"
      "  files     3 in ratebatch-assets\n"
      "  results   out.jsonl\n"
      "  next      ratebatch status --failed --db live.db  (says why jobs failed)\n"
      "  next      ratebatch retry --failed --db live.db  (puts them back, resume then tries them "
      "again)\n");
}

TEST_CASE("a run that was stopped says how to go on") {
  RunSummary summary = complete_run();
  summary.reason = "interrupted";
  summary.sandbox = true;
  set(summary.after, JobState::done, 50);
  set(summary.after, JobState::pending, 49);
  set(summary.after, JobState::unknown, 1);
  CHECK(summary_text(summary) ==
        "SANDBOX: Interrupted: 50 of 100 jobs done after 12s\n"
        "  this run  10 done (100.0 %), 1 unknown\n"
        "  calls     62 sent, 2 rate limited\n"
        "  next      ratebatch resume  (goes on)\n");
}

TEST_CASE("a run that found nothing to do is told in one line and the next step") {
  RunSummary summary = complete_run();
  summary.reason = "nothing_to_do";
  summary.before = summary.after;
  CHECK(summary_text(summary) ==
        "Nothing to do: 100 of 100 jobs done\n"
        "  next      ratebatch results -o results.jsonl  (writes the results)\n");
}

TEST_CASE("a run that ended for a pause says what for, and what it cost") {
  RunSummary summary = complete_run();
  summary.reason = "paused";
  set(summary.after, JobState::done, 50);
  set(summary.after, JobState::pending, 50);
  summary.lanes_left = {"small paused until 2026-11-23 00:00 PST"};
  summary.before.calls.cost_pico_usd = 250'000'000'000;
  summary.after.calls.cost_pico_usd = 1'500'000'000'000;
  CHECK(summary_text(summary) ==
        "Paused, as --no-wait says: 50 of 100 jobs done after 12s\n"
        "  this run  10 done (100.0 %)\n"
        "  calls     62 sent, 2 rate limited\n"
        "  quota     small paused until 2026-11-23 00:00 PST\n"
        "  cost      1.25 USD, 1.5 USD in all\n"
        "  next      ratebatch resume  (goes on)\n");
  CHECK(nlohmann::json::parse(summary_json(summary))["cost_usd"] == 1.25);
}

TEST_CASE("a lane that was stopped gets the server's words and advice") {
  RunSummary summary = complete_run();
  summary.reason = "stopped";
  summary.words = "gpt-4o-mimi: 404: no such \x1b model";
  const std::string text = summary_text(summary);
  CHECK(text.starts_with("Stopped, the first jobs all failed alike: "));
  CHECK(text.find("  cause     gpt-4o-mimi: 404: no such \\x1b model\n") != std::string::npos);
  CHECK(text.find("  advice    no job is lost: ") != std::string::npos);
  CHECK(nlohmann::json::parse(summary_json(summary))["words"] == summary.words);
}

TEST_CASE("the JSON of a summary tells what this run did") {
  RunSummary summary = complete_run();
  summary.exit_code = 1;
  summary.waits = {{"small", "429: requests", milliseconds{1500}}};
  set(summary.after, JobState::done, 97);
  set(summary.after, JobState::failed, 3);
  const auto json = nlohmann::json::parse(summary_json(summary));
  CHECK(json["schema_version"] == 1);
  CHECK(json["message_type"] == "summary");
  CHECK(json["exit_code"] == 1);
  CHECK(json["reason"] == "complete");
  CHECK(json["jobs"]["done"] == 97);
  CHECK(json["run"]["done"] == 57);
  CHECK(json["run"]["failed"] == 3);
  CHECK(json["calls"]["sent"] == 62);
  CHECK(json["waits"][0]["seconds"] == 1.5);
  CHECK(json["cost_usd"].is_null());
  CHECK(json["output"].is_null());
}

TEST_CASE("an error is one JSON line with its exit code") {
  const std::string line = error_json("a\nb", 2);
  CHECK(line.find('\n') == std::string::npos);
  const auto json = nlohmann::json::parse(line);
  CHECK(json["message_type"] == "error");
  CHECK(json["message"] == "a\nb");
  CHECK(json["exit_code"] == 2);
}

}  // namespace
}  // namespace ratebatch::progress_summary_test
