#include "cli/run_observer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ratebatch/base/text.hpp"
#include "ratebatch/run/progress.hpp"

namespace ratebatch::cli {
namespace {

// "model=m rpd=8000/10000": of each limit what is used and the provider's number.
std::vector<LogField> usage_fields(const std::string& model, const LaneQuota& quota,
                                   bool only_long) {
  std::vector<LogField> fields = {{"model", model}};
  for (const LimitView& limit : quota.limits) {
    if (only_long && !limit.is_long) continue;
    fields.push_back({limit.limit, fmt::format("{}/{}", limit.used, limit.max)});
  }
  return fields;
}

std::string number_text(AttemptNumber attempt) {
  return std::to_string(static_cast<std::int32_t>(attempt));
}

}  // namespace

RunObserver::RunObserver(Console& console, EventLog& log, store::Checkpoint& checkpoint,
                         const Lanes& lanes, run::RunSummary& summary, Now start,
                         std::int32_t log_usage_every)
    : console_(console),
      log_(log),
      checkpoint_(checkpoint),
      lanes_(lanes),
      summary_(summary),
      log_usage_every_(log_usage_every),
      tracker_(lanes, start, checkpoint.counts()),
      last_usage_(lanes.lanes.size()),
      lane_status_(lanes.lanes.size()),
      refused_since_(lanes.lanes.size()),
      // JSON begins with where the run stands; in text the first words of the run say that.
      next_line_(console.json() ? start.steady : start.steady + line_interval) {}

void RunObserver::committed(Now now, const Batch& batch, const store::Counts& /*counts*/) {
  for (const AttemptEnd& end : batch.ends) {
    const auto flight = flights_.find(end.job);
    if (flight == flights_.end()) continue;
    note_end(now, end, flight->second);
    flights_.erase(flight);
  }
  for (const FetchEnd& end : batch.fetches) note_fetch(now, end);
  for (const AttemptStart& start : batch.starts) {
    flights_[start.job] = {start.lane, start.key, now.steady};
    ++last_usage_[index_of(start.lane)].requests;
  }
}

Duration RunObserver::turned(Now now, const Snapshot& snapshot, const store::Counts& counts) {
  tracker_.turned(now, snapshot, counts);
  turned_ = true;
  for (const LaneSnapshot& lane : snapshot.lanes) note_lane(now.wall, lane);
  if (const auto failure = log_.take_failure()) {
    console_.alert("the log file lacks lines from now on: " + escaped(*failure));
  }
  const Duration until_line = print_line(now);
  return console_.can_redraw() ? std::min(redraw(now), until_line) : until_line;
}

void RunObserver::usage(Now now, LaneId lane, const LaneQuota& quota) {
  tracker_.usage(lane, quota);
  LastUsage& last = last_usage_[index_of(lane)];
  if (last.requests >= log_usage_every_) {
    if (!quota.limits.empty()) {
      note(now.wall, LogLevel::info, "quota_usage", usage_fields(model_of(lane), quota, false));
    }
    last.requests = 0;
  }
  if (quota.critical && !last.critical) {
    ++summary_.warnings;
    note(now.wall, LogLevel::warning, "quota_warning", usage_fields(model_of(lane), quota, true));
  }
  last.critical = quota.critical;
  const bool lowered = last.is_known && quota.concurrency &&
                       (!last.concurrency || *quota.concurrency < *last.concurrency);
  if (lowered) {
    const std::string from = last.concurrency ? std::to_string(*last.concurrency) : "workers";
    note(now.wall, LogLevel::warning, "concurrency_lowered",
         {{"model", model_of(lane)}, {"from", from}, {"to", std::to_string(*quota.concurrency)}});
  }
  last.is_known = true;
  last.concurrency = quota.concurrency;
}

void RunObserver::finish(Now now) {
  summary_.waits = tracker_.waits();
  if (!turned_) return;
  for (const run::LaneProgress& lane : tracker_.progress(now).lanes) {
    const std::string wait = run::wait_text(lane.status, lane.limits, now.wall);
    if (lane.jobs.open() == 0 || wait.empty()) continue;
    summary_.lanes_left.push_back(escaped(lane.model) + " " + wait);
  }
}

run::Progress RunObserver::progress(Now now) const {
  run::Progress progress = tracker_.progress(now);
  progress.sandbox = summary_.sandbox;
  progress.deadline = deadline_;
  return progress;
}

void RunObserver::warned(Now now, const std::string& message) {
  log_.write(now.wall, LogLevel::warning, "warning", {{"message", message}});
  console_.alert(message);
}

void RunObserver::note(WallTime at, LogLevel level, std::string_view event,
                       const std::vector<LogField>& fields) {
  log_.write(at, level, event, fields);
  if (console_.verbose()) console_.detail(format_utc(at) + " " + event_text(event, fields));
}

void RunObserver::note_end(Now now, const AttemptEnd& end, const Flight& flight) {
  const OutcomeClass kind = end.outcome.kind;
  std::optional<Instant>& since = refused_since_[index_of(flight.lane)];
  switch (kind) {
    case OutcomeClass::done:
      if (end.outcome.answer) {
        summary_.files_written += static_cast<std::int64_t>(end.outcome.answer->files.size());
      }
      // An answer to what was sent before the refusal does not show that it is over.
      if (since && flight.started > *since) {
        summary_.longest_recovery =
            std::max(summary_.longest_recovery.value_or(Duration{}), now.steady - *since);
        since.reset();
      }
      break;
    case OutcomeClass::rate_limited:
    case OutcomeClass::quota_exhausted:
      if (!since) since = now.steady;
      note(now.wall, LogLevel::warning, "rate_limited",
           {{"model", model_of(flight.lane)},
            {"limit", kind == OutcomeClass::quota_exhausted
                          ? "quota"
                          : std::string{to_string(end.outcome.limited)}},
            {"wait", format_duration(end.wait_applied)},
            {"attempt", number_text(end.attempt)}});
      break;
    case OutcomeClass::no_credit:
    case OutcomeClass::refused_key:
      note_refused_key(now, end, flight);
      break;
    case OutcomeClass::server_error:
    case OutcomeClass::overloaded:
    case OutcomeClass::timeout:
    case OutcomeClass::network:
    case OutcomeClass::bad_reply:
    case OutcomeClass::invalid_request:
    case OutcomeClass::too_large:
    case OutcomeClass::content_policy:
    case OutcomeClass::not_found:
    case OutcomeClass::not_accepted:
    case OutcomeClass::unknown:
      break;
  }
  if (end.to != JobState::failed) return;
  note(now.wall, LogLevel::error, "job_failed",
       {{"id", id_of(end.job)},
        {"model", model_of(flight.lane)},
        {"class", std::string{to_string(kind)}},
        {"http_status", std::to_string(end.outcome.http_status)},
        {"attempt", number_text(end.attempt)},
        {"message", end.outcome.message}});
}

void RunObserver::note_refused_key(Now now, const AttemptEnd& end, const Flight& flight) {
  if (!refused_keys_.insert(flight.key).second) return;
  const std::string& key = lanes_.keys[index_of(flight.key)].name;
  log_.write(now.wall, LogLevel::error, "key_refused",
             {{"key", key},
              {"model", model_of(flight.lane)},
              {"class", std::string{to_string(end.outcome.kind)}},
              {"message", end.outcome.message}});
  console_.alert(fmt::format("key {} is no longer used: {}: {}", escaped(key),
                             to_string(end.outcome.kind), escaped(end.outcome.message)));
}

void RunObserver::note_fetch(Now now, const FetchEnd& end) {
  if (end.to == JobState::done) {
    summary_.files_written += static_cast<std::int64_t>(end.outcome.files.size());
    return;
  }
  if (end.ready_at) {
    note(now.wall, LogLevel::warning, "download_failed",
         {{"id", id_of(end.job)},
          {"downloads", std::to_string(end.tries)},
          {"wait", format_duration(*end.ready_at - end.at)},
          {"message", end.outcome.message}});
    return;
  }
  note(now.wall, LogLevel::error, "job_failed",
       {{"id", id_of(end.job)},
        {"class", std::string{to_string(end.outcome.kind)}},
        {"attempt", number_text(end.attempt)},
        {"downloads", std::to_string(end.tries)},
        {"message", end.outcome.message}});
}

void RunObserver::note_lane(WallTime now, const LaneSnapshot& lane) {
  LaneStatus& noted = lane_status_[index_of(lane.lane)];
  if (noted.state == lane.status.state && noted.reason == lane.status.reason) return;
  const std::string& model = model_of(lane.lane);
  const LaneState before = std::exchange(noted, lane.status).state;
  switch (lane.status.state) {
    case LaneState::paused:
      if (before != LaneState::paused) ++summary_.pauses;
      note(now, LogLevel::warning, "paused",
           {{"model", model},
            {"reason", lane.status.reason},
            {"until", lane.status.until ? format_utc(*lane.status.until) : "unknown"}});
      return;
    case LaneState::tripped:
      note(now, LogLevel::warning, "tripped", {{"model", model}, {"reason", lane.status.reason}});
      return;
    case LaneState::stopped:
      note(now, LogLevel::error, "stopped", {{"model", model}, {"reason", lane.status.reason}});
      return;
    case LaneState::no_key:
    case LaneState::waiting:
      return;
    case LaneState::idle:
    case LaneState::running:
    case LaneState::slowed:
      if (before == LaneState::paused || before == LaneState::tripped) {
        note(now, LogLevel::info, "resumed", {{"model", model}});
      }
      return;
  }
}

const std::string& RunObserver::model_of(LaneId lane) const {
  return lanes_.lanes[index_of(lane)].model;
}

std::string RunObserver::id_of(JobSeq job) {
  auto stored = checkpoint_.job(job);
  // The next commit reports a checkpoint that cannot be read; a log line need not.
  return stored ? stored->id : "?";
}

Duration RunObserver::redraw(Now now) {
  if (last_drawn_ && now.steady - *last_drawn_ < redraw_interval_min) {
    return *last_drawn_ + redraw_interval_min - now.steady;
  }
  last_drawn_ = now.steady;
  console_.draw(run::progress_lines(progress(now), now.wall, console_.width()));
  return redraw_interval_max;
}

Duration RunObserver::print_line(Now now) {
  if (now.steady < next_line_) return next_line_ - now.steady;
  next_line_ = now.steady + line_interval;
  const run::Progress view = progress(now);
  if (console_.json()) console_.write_event(run::progress_json(view, now.wall));
  if (!console_.can_redraw()) console_.say(run::progress_line(view, now.wall));
  return line_interval;
}

}  // namespace ratebatch::cli
