#include "store/batch_writer.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::store {

Result<void> BatchWriter::write(const Batch& batch, const RunRows& rows) {
  for (const AttemptEnd& end : batch.ends) {
    RB_TRY(written, write_end(end, rows));
  }
  for (const FetchEnd& end : batch.fetches) {
    RB_TRY(written, fetches_.write(end, rows));
  }
  for (const JobSeq job : batch.reopened) {
    RB_TRY(written, write_reopened(job));
  }
  for (const AttemptStart& start : batch.starts) {
    RB_TRY(written, write_start(start, rows));
  }
  RB_TRY(remembered, write_states(batch.states));
  for (const LaneChange& change : batch.lanes) {
    RB_ASSERT(index_of(change.lane) < rows.lanes.size());
    RB_TRY(written,
           set_lane_.run(rows.lanes[index_of(change.lane)].row, to_string(change.status.state),
                         change.status.reason, maybe_ms(change.status.until)));
  }
  return {};
}

Result<void> BatchWriter::write_end(const AttemptEnd& end, const RunRows& rows) {
  RB_ASSERT(is_legal(JobState::running, end.to));
  RB_ASSERT(end.to != JobState::done || end.outcome.answer.has_value());
  RB_ASSERT(!end.ready_at || end.to == JobState::pending);
  const auto found = running_.find(end.job);
  if (found == running_.end() || found->second.attempt != end.attempt) {
    RB_TRY(stored,
           find_end_.exists(end.job, end.attempt, to_string(end.outcome.kind), to_ms(end.at)));
    RB_ASSERT(*stored);
    return {};
  }

  const Running& job = found->second;
  const bool truncated = end.to == JobState::done && end.outcome.answer->truncated;
  const bool unknown = end.to == JobState::unknown || end.to == JobState::held;
  std::optional<std::int64_t> finished_ms;
  if (end.to == JobState::done || end.to == JobState::failed) finished_ms = to_ms(end.at);
  RB_TRY(written, end_job_.run(end.job, end.attempt, end.to, end.retries_used, unknown,
                               maybe_ms(end.ready_at), truncated, finished_ms, end.rejections));
  RB_ASSERT(connection_.changes() == 1);
  RB_TRY(attempt, write_attempt(end, job, rows));
  RB_TRY(result, write_result(end, job, rows));
  count_end(end, job.route);
  new_ended_.push_back(end.job);
  return {};
}

Result<void> BatchWriter::write_states(const std::vector<StoredState>& states) {
  for (const StoredState& state : states) {
    RB_TRY(written, state.value.empty() ? forget_.run(state.scope, state.item)
                                        : remember_.run(state.scope, state.item, state.value));
  }
  return {};
}

// A job that failed earlier in this run goes back to the queue. Written twice, the second time
// changes nothing.
Result<void> BatchWriter::write_reopened(JobSeq job) {
  RB_TRY(route, reopen_job_.first([](const Statement& row) { return row.id<RouteId>(0); }, job));
  if (!*route) return {};
  ledger_.move_jobs(**route, JobState::failed, JobState::pending);
  return results_.forget_failure(job);
}

Result<void> BatchWriter::write_start(const AttemptStart& start, const RunRows& rows) {
  RB_ASSERT(is_startable(start.from));
  RB_ASSERT(index_of(start.lane) < rows.lanes.size() && index_of(start.key) < rows.keys.size());
  RB_TRY(written,
         start_job_.run(start.job, start.from, start.attempt, to_ms(start.at),
                        rows.lanes[index_of(start.lane)].row, rows.keys[index_of(start.key)]));
  if (connection_.changes() != 1) {
    RB_TRY(stored, find_start_.exists(start.job, start.attempt, to_ms(start.at)));
    RB_ASSERT(*stored);
    return {};
  }
  RB_TRY(route, remember(start));
  ledger_.move_jobs(*route, start.from, JobState::running);
  ledger_.calls().sent += 1;
  if (start.from == JobState::unknown) ledger_.calls().resent += 1;
  return {};
}

// The job's text is read here, inside the transaction, for its request goes out right after it.
Result<RouteId> BatchWriter::remember(const AttemptStart& start) {
  Running job;
  job.attempt = start.attempt;
  job.started_ms = to_ms(start.at);
  job.lane = start.lane;
  job.key = start.key;
  StoredJob text;
  const auto take_job = [&](const Statement& row) {
    text = {row.text(0), row.text(1), row.text(5)};
    job.metadata_json = metadata_of(row, 1);
    job.route = row.id<RouteId>(4);
  };
  RB_TRY(read, read_job_.rows(take_job, start.job));
  // Only a job that was asked before can have an answer.
  if (start.attempt > AttemptNumber{1}) {
    const auto take_recipe = [&](const Statement& row) { job.old = {true, row.maybe_integer(0)}; };
    RB_TRY(recipe, read_recipe_.rows(take_recipe, start.job));
  }
  job.id = text.id;
  const RouteId route = job.route;
  new_running_.emplace_back(start.job, std::move(job));
  new_texts_.emplace(start.job, std::move(text));
  return route;
}

void BatchWriter::accept() {
  for (const JobSeq job : new_ended_) running_.erase(job);
  for (auto& [seq, job] : new_running_) running_.insert_or_assign(seq, std::move(job));
  std::swap(texts_, new_texts_);
  discard();
}

void BatchWriter::discard() {
  new_ended_.clear();
  new_running_.clear();
  new_texts_.clear();
}

std::optional<StoredJob> BatchWriter::take_text(JobSeq job) {
  const auto found = texts_.find(job);
  if (found == texts_.end()) return std::nullopt;
  StoredJob text = std::move(found->second);
  texts_.erase(found);
  return text;
}

Result<void> BatchWriter::write_attempt(const AttemptEnd& end, const Running& job,
                                        const RunRows& rows) {
  const Outcome& outcome = end.outcome;
  return add_attempt_.run(
      end.job, end.attempt, rows.lanes[index_of(job.lane)].row, rows.keys[index_of(job.key)],
      job.started_ms, to_ms(end.at), to_string(outcome.kind), outcome.http_status, outcome.sent,
      to_ms(end.wait_applied), outcome.usage.input_tokens, outcome.usage.output_tokens,
      outcome.usage.images, outcome.request_id, outcome.message, end.cost_pico_usd);
}

// Stores what the end leaves of an answer, if anything: a result, or what is to be fetched for it.
Result<void> BatchWriter::write_result(const AttemptEnd& end, const Running& job,
                                       const RunRows& rows) {
  // The wall clock may have been set back in between.
  const std::int64_t latency = std::max<std::int64_t>(0, to_ms(end.at) - job.started_ms);
  const ResultWriter::Key key{end.job, end.attempt, to_ms(end.at), latency};
  std::optional<std::int64_t> recipe;
  if (const auto at = rows.recipes.find(job.route); at != rows.recipes.end()) recipe = at->second;
  const RecordNames names =
      rows.names(job.route, job.id, rows.lanes[index_of(job.lane)].model, job.metadata_json);
  switch (end.to) {
    case JobState::done:
      return results_.write_answer(key, job.old, recipe, result_record(end, names));
    case JobState::failed:
      return results_.write_failure(key, result_record(end, names));
    case JobState::fetching:
      return fetches_.add(end, recipe, latency);
    case JobState::pending:
    case JobState::running:
    case JobState::unknown:
    case JobState::held:
    case JobState::cancelled:
      return {};
  }
  RB_ASSERT(false);
}

void BatchWriter::count_end(const AttemptEnd& end, RouteId route) {
  const Outcome& outcome = end.outcome;
  ledger_.move_jobs(route, JobState::running, end.to);
  ledger_.add_call_usage(outcome.usage, end.cost_pico_usd);
  if (outcome.kind == OutcomeClass::rate_limited || outcome.kind == OutcomeClass::quota_exhausted) {
    ledger_.calls().rate_limited += 1;
  }
  if (end.to == JobState::done || end.to == JobState::fetching) {
    ledger_.add_answer(route, outcome.usage);
  }
  if (end.to == JobState::done && outcome.answer->truncated) ledger_.add_truncated(route, 1);
  if (end.to == JobState::failed) ledger_.add_failures(to_string(outcome.kind), 1);
}

}  // namespace ratebatch::store
