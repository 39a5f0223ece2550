#include "cli/run_observer.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ratebatch/base/text.hpp"
#include "ratebatch/run/progress.hpp"
#include "ratebatch/run/status_json.hpp"

namespace ratebatch {

RunObserver::RunObserver(Console& console, EventLog& log, Checkpoint& checkpoint,
                         const Lanes& lanes, bool sandbox, Now start)
    : console_(console),
      log_(log),
      checkpoint_(checkpoint),
      lanes_(lanes),
      sandbox_(sandbox),
      tracker_(lanes, start, checkpoint.counts()),
      lane_status_(lanes.lanes.size()),
      refused_since_(lanes.lanes.size()),
      // JSON begins with where the run stands; in text the first words of the run say that.
      next_line_(console.json() ? start.steady : start.steady + line_interval) {}

void RunObserver::committed(Now now, const Batch& batch, const Counts& /*counts*/) {
  for (const AttemptEnd& end : batch.ends) {
    const auto flight = flights_.find(end.job);
    if (flight == flights_.end()) continue;
    note_end(now, end, flight->second);
    flights_.erase(flight);
  }
  for (const AttemptStart& start : batch.starts) {
    flights_[start.job] = {start.lane, start.key, now.steady};
  }
}

Duration RunObserver::turned(Now now, const Snapshot& snapshot, const Counts& counts) {
  tracker_.turned(now, snapshot, counts);
  for (const LaneSnapshot& lane : snapshot.lanes) note_lane(now.wall, lane);
  if (const auto failure = log_.take_failure()) {
    console_.alert("the log file lacks lines from now on: " + escaped(*failure));
  }
  const Duration until_line = print_line(now);
  return console_.can_redraw() ? std::min(redraw(now), until_line) : until_line;
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
  switch (end.outcome.kind) {
    case OutcomeClass::done:
      if (end.outcome.answer) {
        files_written_ += static_cast<std::int64_t>(end.outcome.answer->files.size());
      }
      note_recovery(now, flight);
      break;
    case OutcomeClass::rate_limited:
    case OutcomeClass::quota_exhausted:
      note_refusal(now, end, flight);
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
    case OutcomeClass::unknown:
      break;
  }
  if (end.to == JobState::failed) note_failed_job(now, end, flight);
}

void RunObserver::note_recovery(Now now, const Flight& flight) {
  std::optional<Instant>& since = refused_since_[index_of(flight.lane)];
  // An answer to what was sent before the refusal does not show that it is over.
  if (!since || flight.started <= *since) return;
  longest_recovery_ = std::max(longest_recovery_.value_or(Duration{}), now.steady - *since);
  since.reset();
}

void RunObserver::note_refusal(Now now, const AttemptEnd& end, const Flight& flight) {
  std::optional<Instant>& since = refused_since_[index_of(flight.lane)];
  if (!since) since = now.steady;
  note(now.wall, LogLevel::warning, "rate_limited",
       {{"model", model_of(flight.lane)},
        {"limit", end.outcome.kind == OutcomeClass::quota_exhausted
                      ? "quota"
                      : std::string{to_string(end.outcome.limited)}},
        {"wait", format_duration(end.wait_applied)},
        {"attempt", std::to_string(static_cast<std::int32_t>(end.attempt))}});
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

void RunObserver::note_failed_job(Now now, const AttemptEnd& end, const Flight& flight) {
  note(now.wall, LogLevel::error, "job_failed",
       {{"id", id_of(end.job)},
        {"model", model_of(flight.lane)},
        {"class", std::string{to_string(end.outcome.kind)}},
        {"http_status", std::to_string(end.outcome.http_status)},
        {"attempt", std::to_string(static_cast<std::int32_t>(end.attempt))},
        {"message", end.outcome.message}});
}

void RunObserver::note_lane(WallTime now, const LaneSnapshot& lane) {
  LaneStatus& noted = lane_status_[index_of(lane.lane)];
  if (noted.state == lane.status.state && noted.reason == lane.status.reason) return;
  const std::string& model = model_of(lane.lane);
  const LaneState before = std::exchange(noted, lane.status).state;
  switch (lane.status.state) {
    case LaneState::paused:
      note(now, LogLevel::warning, "paused",
           {{"model", model},
            {"reason", lane.status.reason},
            {"until", lane.status.until ? format_utc(*lane.status.until) : "unknown"}});
      return;
    case LaneState::tripped:
      note(now, LogLevel::warning, "tripped", {{"model", model}, {"reason", lane.status.reason}});
      return;
    case LaneState::no_key:
    case LaneState::waiting:
      return;
    case LaneState::idle:
    case LaneState::running:
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
  // The next commit will tell of a checkpoint that cannot be read; a log line need not.
  return stored ? stored->id : "?";
}

Duration RunObserver::redraw(Now now) {
  if (last_drawn_ && now.steady - *last_drawn_ < redraw_interval_min) {
    return *last_drawn_ + redraw_interval_min - now.steady;
  }
  last_drawn_ = now.steady;
  Progress progress = tracker_.progress(now);
  progress.sandbox = sandbox_;
  console_.draw(progress_lines(progress, now.wall, console_.width()));
  return redraw_interval_max;
}

Duration RunObserver::print_line(Now now) {
  if (now.steady < next_line_) return next_line_ - now.steady;
  next_line_ = now.steady + line_interval;
  Progress progress = tracker_.progress(now);
  progress.sandbox = sandbox_;
  if (console_.json()) console_.write_event(progress_json(progress, now.wall));
  if (!console_.can_redraw()) console_.say(progress_line(progress, now.wall));
  return line_interval;
}

}  // namespace ratebatch
