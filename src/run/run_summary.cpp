#include "ratebatch/run/run_summary.hpp"

#include <fmt/format.h>

#include "ratebatch/base/text.hpp"
#include "ratebatch/run/status_report.hpp"

namespace ratebatch::run {
namespace {

std::string_view headline_of(const std::string& reason) {
  if (reason == "complete") return "Finished";
  if (reason == "nothing_to_do") return "Nothing to do";
  if (reason == "interrupted") return "Interrupted";
  if (reason == "terminated") return "Terminated";
  if (reason == "no_credit") return "Stopped, the account is out of quota";
  if (reason == "no_key") return "Stopped, no usable key is left";
  if (reason == "downloads") return "Paused, files of paid answers cannot be had now";
  if (reason == "no_room") return "Stopped, the disk is full";
  if (reason == "max_jobs") return "Stopped, as --max-jobs says";
  if (reason == "max_runtime") return "Stopped, as --max-runtime says";
  if (reason == "max_cost") return "Stopped, as --max-cost says";
  if (reason == "paused") return "Paused, as --no-wait says";
  if (reason == "stopped") return "Stopped, the first jobs all failed alike";
  if (reason == "switched_off") return "Finished what is switched on";
  return "Stopped";
}

std::string share_text(std::int64_t part, std::int64_t whole) {
  if (whole == 0) return "";
  return fmt::format(" ({:.1f} %)", 100.0 * static_cast<double>(part) / static_cast<double>(whole));
}

std::string this_run_line(const RunSummary& summary) {
  const store::JobCounts before = summary.before.jobs();
  const store::JobCounts after = summary.after.jobs();
  const std::int64_t done = after.of(JobState::done) - before.of(JobState::done);
  const std::int64_t failed = after.of(JobState::failed) - before.of(JobState::failed);
  std::string text =
      fmt::format("  this run  {} done{}", grouped(done), share_text(done, done + failed));
  add_count(text, failed, "failed" + share_text(failed, done + failed));
  add_count(text, after.truncated - before.truncated, "truncated");
  add_count(text, after.of(JobState::fetching), "with files still to be downloaded");
  add_count(text, after.of(JobState::unknown), "unknown");
  add_count(text, after.of(JobState::held), "held");
  return text + "\n";
}

std::string calls_line(const RunSummary& summary) {
  const store::CallCounts calls = summary.after.calls - summary.before.calls;
  std::string text = calls_text(calls);
  if (calls.input_tokens + calls.output_tokens > 0) {
    text += fmt::format("; {} input and {} output tokens", grouped(calls.input_tokens),
                        grouped(calls.output_tokens));
  }
  return text + "\n";
}

// Why a lane stopped, and what a person can do.
std::string words_lines(const RunSummary& summary) {
  if (summary.words.empty()) return "";
  return fmt::format(
      "  cause     {}\n"
      "  advice    no job is lost: put right what it says (the model's id, type, parameters) and\n"
      "            run again\n",
      escaped(summary.words));
}

// How each lane stands that cannot go on at once, and what was spent.
std::string quota_lines(const RunSummary& summary) {
  std::string text;
  for (const std::string& line : summary.lanes_left) text += "  quota     " + line + "\n";
  if (summary.after.calls.cost_pico_usd > 0) {
    text += fmt::format(
        "  cost      {} USD, {} USD in all\n",
        usd_text(summary.after.calls.cost_pico_usd - summary.before.calls.cost_pico_usd),
        usd_text(summary.after.calls.cost_pico_usd));
  }
  return text;
}

std::string waits_lines(const RunSummary& summary) {
  std::string text;
  for (const TimeWaited& wait : summary.waits) {
    text += fmt::format("  waited    {} {}: {}\n", escaped(wait.model), format_duration(wait.total),
                        wait.reason.empty() ? "no reason known" : escaped(wait.reason));
  }
  if (summary.longest_recovery) {
    text += fmt::format("  recovery  {} from a 429 to the next answer, at the longest\n",
                        format_duration(*summary.longest_recovery));
  }
  return text;
}

std::string files_lines(const RunSummary& summary) {
  std::string text;
  if (summary.files_written > 0) {
    text += fmt::format("  files     {} in {}\n", grouped(summary.files_written),
                        escaped(summary.files_folder));
  }
  if (summary.output) text += fmt::format("  results   {}\n", escaped(*summary.output));
  return text;
}

std::string next_lines(const RunSummary& summary) {
  std::string text;
  const auto line = [&](std::string_view command, std::string_view what) {
    text += fmt::format("  next      ratebatch {}{}  ({})\n", command, summary.command_end, what);
  };
  const store::JobCounts jobs = summary.after.jobs();
  if (jobs.open() > 0) line("resume", "goes on");
  if (jobs.of(JobState::failed) > 0) {
    line("status --failed", "says why jobs failed");
    line("retry --failed", "puts them back, resume then tries them again");
  }
  if (jobs.of(JobState::held) > 0) line("retry --unknown", "sends held jobs again");
  if (jobs.open() == 0 && !summary.output) line("results -o results.jsonl", "writes the results");
  return text;
}

}  // namespace

std::string summary_text(const RunSummary& summary) {
  const store::JobCounts jobs = summary.after.jobs();
  std::string text = fmt::format("{}{}: {} of {} done", summary.sandbox ? "SANDBOX: " : "",
                                 headline_of(summary.reason), grouped(jobs.of(JobState::done)),
                                 counted(total_of(jobs), "job", "jobs"));
  if (summary.reason != "nothing_to_do") text += " after " + format_duration(summary.took);
  add_count(text, jobs.of(JobState::failed), "failed");
  text += "\n" + words_lines(summary);
  const bool worked = summary.after.calls.sent != summary.before.calls.sent;
  if (worked) text += this_run_line(summary) + calls_line(summary);
  return text + waits_lines(summary) + quota_lines(summary) + files_lines(summary) +
         next_lines(summary);
}

}  // namespace ratebatch::run
