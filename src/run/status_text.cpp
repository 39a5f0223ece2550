#include <fmt/format.h>

#include <algorithm>

#include "ratebatch/base/text.hpp"
#include "ratebatch/run/status_report.hpp"

namespace ratebatch::run {
namespace {

std::string headline(const StatusReport& report) {
  std::string text = escaped(report.db);
  if (report.data.stamp.sandbox) text += " (SANDBOX)";
  text += fmt::format(": {}", to_string(report.state));
  std::vector<ShownLimit> limits;
  for (const LaneReport& lane : report.lanes) {
    if (lane.model == report.bottleneck_model) limits = lane.limits;
  }
  const std::string wait = wait_text(report.bottleneck, limits, report.now);
  if (!wait.empty() && report.state != OverallState::running) {
    text += fmt::format(", {} {}", escaped(report.bottleneck_model), wait);
  }
  return text + "\n";
}

std::string jobs_line(const store::JobCounts& jobs, std::int64_t changed) {
  std::string text = fmt::format("  jobs      {} of {} done", grouped(jobs.of(JobState::done)),
                                 grouped(total_of(jobs)));
  for (const JobState state :
       {JobState::failed, JobState::running, JobState::fetching, JobState::pending,
        JobState::unknown, JobState::held, JobState::cancelled}) {
    add_count(text, jobs.of(state), state == JobState::pending ? "waiting" : to_string(state));
  }
  add_count(text, jobs.truncated, "truncated");
  add_count(text, changed, "made by an older recipe");
  return text + "\n";
}

std::string rate_line(const StatusReport& report) {
  const store::StatusData& data = report.data;
  if (!data.jobs_per_minute) return "";
  if (!data.live_run) {
    return fmt::format("  speed     {} when it last worked\n", rate_text(*data.jobs_per_minute));
  }
  std::string text = fmt::format("  speed     {}", rate_text(*data.jobs_per_minute));
  if (report.eta && report.jobs.open() > 0) {
    text += fmt::format(", done in {} ({})", format_duration(*report.eta),
                        format_utc(report.now + *report.eta));
    if (report.eta_pauses > 0) text += ", after " + counted(report.eta_pauses, "pause", "pauses");
  }
  return text + "\n";
}

std::string calls_line(const store::StatusData& data) {
  const store::CallCounts& calls = data.counts.calls;
  std::string text = calls_text(calls);
  if (data.latency) {
    text += fmt::format("; {} for half of them, {} for 95 %",
                        format_duration(std::chrono::milliseconds{data.latency->p50_ms}),
                        format_duration(std::chrono::milliseconds{data.latency->p95_ms}));
  }
  text += "\n";
  if (calls.input_tokens + calls.output_tokens + calls.images > 0) {
    text += fmt::format("  used      {} input and {} output tokens", grouped(calls.input_tokens),
                        grouped(calls.output_tokens));
    if (calls.images > 0) text += ", " + counted(calls.images, "image", "images");
    text += "\n";
  }
  if (calls.cost_pico_usd > 0) {
    text += fmt::format("  cost      {} USD\n", usd_text(calls.cost_pico_usd));
  }
  return text;
}

std::string downloads_line(const StatusReport& report) {
  if (!report.data.downloads) return "";
  const store::Downloads& downloads = *report.data.downloads;
  std::string text = fmt::format("  files     of {} still to be downloaded",
                                 counted(downloads.waiting, "paid answer", "paid answers"));
  if (downloads.next_try) text += ", next try " + format_utc(*downloads.next_try);
  if (!downloads.failure.empty()) text += "; " + escaped(downloads.failure);
  return text + "\n";
}

std::string run_line(const StatusReport& report) {
  const store::StatusData& data = report.data;
  if (data.live_run) {
    const store::LiveRun& run = *data.live_run;
    const std::string pid = run.pid > 0 ? fmt::format("process {}", run.pid) : "another process";
    if (!run.started) return fmt::format("  run       {} holds the checkpoint\n", pid);
    return fmt::format("  run       {}, {}, since {} ({})\n", pid,
                       counted(run.workers, "worker", "workers"), format_utc(*run.started),
                       format_duration(std::max(report.now - *run.started, Duration{})));
  }
  if (!data.last_run) return "  run       none yet\n";
  const store::PastRun& run = *data.last_run;
  if (!run.ended) {
    return fmt::format("  last run  died; process {}, started {}\n", run.pid,
                       format_utc(run.started));
  }
  return fmt::format("  last run  ended {}: {} (exit code {})\n", format_utc(*run.ended),
                     escaped(run.reason), run.exit_code.value_or(0));
}

// Each on a line of its own, below its lane. Of short windows a run in another process keeps count.
std::string limit_lines(const LaneReport& lane, WallTime now) {
  std::string text;
  for (const ShownLimit& limit : lane.limits) text += "    " + limit_text(limit, now) + "\n";
  if (lane.concurrency) text += fmt::format("    concurrency {}\n", *lane.concurrency);
  if (lane.keys.size() < 2) return text;
  for (const KeyView& key : lane.keys) {
    text += fmt::format("    keys {}", escaped(key.group));
    const std::string wait = wait_text(key.status, {}, now);
    if (!wait.empty()) text += ": " + wait;
    for (const LimitView& limit : key.limits) {
      if (limit.is_long) {
        text += fmt::format(", {} {} of {}", escaped(limit.limit), grouped(limit.used),
                            grouped(limit.max));
      }
    }
    text += "\n";
  }
  return text;
}

std::string lane_lines(const StatusReport& report) {
  std::size_t width = 0;
  for (const LaneReport& lane : report.lanes) width = std::max(width, escaped(lane.model).size());
  std::string text;
  for (const LaneReport& lane : report.lanes) {
    text += fmt::format("  {:<{}}", escaped(lane.model), width);
    if (lane.jobs) {
      text += fmt::format("  {}/{}", grouped(lane.jobs->of(JobState::done)),
                          grouped(total_of(*lane.jobs)));
      for (const JobState state : {JobState::running, JobState::fetching, JobState::failed}) {
        add_count(text, lane.jobs->of(state), to_string(state));
      }
    }
    const std::string wait = wait_text(lane.status, lane.limits, report.now);
    if (!wait.empty()) text += "; " + wait;
    if (lane.critical) text += "; quota nearly used up";
    text += "\n" + limit_lines(lane, report.now);
  }
  return text.empty() ? "" : "\nmodels\n" + text;
}

std::string failure_lines(const StatusReport& report) {
  std::string text;
  for (const store::FailureCount& failure : report.data.failures) {
    text += fmt::format("  {:<16}{}\n", escaped(failure.outcome_class), grouped(failure.jobs));
  }
  return text.empty() ? "" : "\nfailures\n" + text;
}

// What a person can do next, where something calls for it.
std::string next_lines(const StatusReport& report, const std::string& command_end) {
  std::string text;
  const auto line = [&](std::string_view command, std::string_view what) {
    text += fmt::format("ratebatch {}{}: {}\n", command, command_end, what);
  };
  const store::JobCounts& jobs = report.jobs;
  const bool alive = report.data.live_run.has_value();
  if (jobs.of(JobState::failed) > 0) {
    line("status --failed", "lists the failed jobs");
    if (!alive) line("retry --failed", "puts them back in the queue");
  }
  if (jobs.of(JobState::held) > 0 && !alive) {
    line("retry --unknown", "sends held jobs again; they may have been paid for");
  }
  if (jobs.open() > 0 && !alive) {
    const bool resends = jobs.of(JobState::unknown) > 0;
    line("resume", resends ? "goes on; unknown jobs were sent before the run died, and are sent "
                             "again"
                           : "goes on");
  }
  const bool is_complete = report.state == OverallState::complete;
  if (is_complete) line("results -o results.jsonl", "writes the results");
  return text.empty() ? "" : "\n" + text;
}

}  // namespace

void add_count(std::string& text, std::int64_t count, std::string_view what) {
  if (count > 0) text += fmt::format(", {} {}", grouped(count), what);
}

std::string calls_text(const store::CallCounts& calls) {
  std::string text = fmt::format("  calls     {} sent", grouped(calls.sent));
  add_count(text, calls.resent, "resent");
  add_count(text, calls.rate_limited, "rate limited");
  return text;
}

std::string status_text(const StatusReport& report, const std::string& command_end) {
  return headline(report) + jobs_line(report.jobs, report.data.changed) + rate_line(report) +
         calls_line(report.data) + downloads_line(report) + run_line(report) + lane_lines(report) +
         failure_lines(report) + next_lines(report, command_end);
}

std::string failed_jobs_text(const std::vector<store::JobRow>& jobs) {
  std::string text;
  for (const store::JobRow& job : jobs) {
    text += fmt::format("{}:{}: {}: {}", escaped(job.file), job.line, escaped(job.id),
                        escaped(job.outcome_class));
    if (job.http_status != 0) text += fmt::format(" (HTTP {})", job.http_status);
    if (!job.message.empty()) text += ": " + escaped(job.message);
    text += "\n";
  }
  return text;
}

}  // namespace ratebatch::run
