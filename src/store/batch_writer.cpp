#include "store/batch_writer.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"
#include "store/result_record.hpp"

namespace ratebatch::store {
namespace {

constexpr const char* batch_storing = "store a batch";

std::int64_t latency_ms(const AttemptEnd& end, std::int64_t started_ms) {
  // The wall clock may have been set back in between.
  return std::max<std::int64_t>(0, to_ms(end.at) - started_ms);
}

}  // namespace

Result<std::unique_ptr<BatchWriter>> BatchWriter::make(Connection& connection,
                                                       CounterLedger& ledger) {
  std::unique_ptr<BatchWriter> writer(new BatchWriter(connection, ledger));
  auto prepared = writer->results_.prepare();
  if (prepared) prepared = writer->fetches_.prepare();
  if (prepared) prepared = writer->prepare();
  if (!prepared) return pass(prepared);
  return writer;
}

Result<void> BatchWriter::prepare() {
  return prepare_all(
      connection_,
      {{&read_job_,
        "SELECT jobs.id, line_json, metadata_at, metadata_bytes, route_id, path"
        " FROM jobs JOIN states USING (seq) JOIN files ON files.id = file_id WHERE seq = ?1",
        batch_storing},
       {&read_recipe_, "SELECT recipe_id FROM results WHERE seq = ?1", batch_storing},
       {&end_job_,
        "UPDATE states SET state = ?3, retries_used = ?4, unknowns = unknowns + ?5,"
        " ready_at_ms = ?6, truncated = ?7, finished_at_ms = ?8, rejections = ?9,"
        " started_at_ms = NULL, lane_id = NULL, key_id = NULL"
        " WHERE seq = ?1 AND state = 1 AND attempts = ?2",
        batch_storing},
       {&start_job_,
        "UPDATE states SET state = 1, attempts = ?3, started_at_ms = ?4, lane_id = ?5, key_id = ?6,"
        " ready_at_ms = NULL WHERE seq = ?1 AND state = ?2 AND attempts = ?3 - 1",
        batch_storing},
       {&find_end_,
        "SELECT 1 FROM attempts WHERE seq = ?1 AND number = ?2 AND class = ?3 AND ended_ms = ?4",
        batch_storing},
       {&find_start_,
        "SELECT 1 FROM states WHERE seq = ?1 AND state = 1 AND attempts = ?2 AND started_at_ms = ?3"
        " UNION ALL SELECT 1 FROM attempts WHERE seq = ?1 AND number = ?2 AND started_ms = ?3",
        batch_storing},
       {&add_attempt_,
        "INSERT INTO attempts (seq, number, lane_id, key_id, started_ms, ended_ms, class,"
        " http_status, sent, wait_ms, input_tokens, output_tokens, images, request_id, message,"
        " cost_pico_usd)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11, ?12, ?13, ?14, ?15, ?16)",
        batch_storing},
       {&remember_,
        "INSERT INTO remembered VALUES (?1, ?2, ?3)"
        " ON CONFLICT DO UPDATE SET value = excluded.value",
        batch_storing},
       {&forget_, "DELETE FROM remembered WHERE scope = ?1 AND item = ?2", batch_storing},
       {&reopen_job_,
        "UPDATE states SET state = 0, retries_used = 0, rejections = 0, finished_at_ms = NULL"
        " WHERE seq = ?1 AND state = 6 RETURNING route_id",
        batch_storing},
       {&find_failure_,
        "SELECT class FROM attempts WHERE seq = ?1"
        " AND number = (SELECT attempt FROM results WHERE seq = ?1)",
        batch_storing},
       {&drop_failure_, "DELETE FROM results WHERE seq = ?1 AND record IS NULL", batch_storing},
       {&keep_answer_, "UPDATE results SET failed = 0, failure = NULL WHERE seq = ?1",
        batch_storing},
       {&set_lane_, "UPDATE lanes SET state = ?2, reason = ?3, until_ms = ?4 WHERE id = ?1",
        batch_storing}});
}

Result<void> BatchWriter::write(const Batch& batch, const RunRows& rows) {
  for (const AttemptEnd& end : batch.ends) {
    auto written = write_end(end, rows);
    if (!written) return pass(written);
  }
  for (const FetchEnd& end : batch.fetches) {
    auto written = fetches_.write(end, rows);
    if (!written) return pass(written);
  }
  for (const JobSeq job : batch.reopened) {
    auto written = write_reopened(job);
    if (!written) return pass(written);
  }
  for (const AttemptStart& start : batch.starts) {
    auto written = write_start(start, rows);
    if (!written) return pass(written);
  }
  auto remembered = write_states(batch.states);
  if (!remembered) return pass(remembered);
  for (const LaneChange& change : batch.lanes) {
    RB_ASSERT(index_of(change.lane) < rows.lanes.size());
    auto written =
        set_lane_.run(rows.lanes[index_of(change.lane)].row, to_string(change.status.state),
                      change.status.reason, maybe_ms(change.status.until));
    if (!written) return pass(written);
  }
  return {};
}

Result<void> BatchWriter::write_end(const AttemptEnd& end, const RunRows& rows) {
  RB_ASSERT(is_legal(JobState::running, end.to));
  RB_ASSERT(end.to != JobState::done || end.outcome.answer.has_value());
  RB_ASSERT(!end.ready_at || end.to == JobState::pending);
  const Running* job = running(end);
  if (job == nullptr) {
    auto stored = is_end_stored(end);
    if (!stored) return pass(stored);
    RB_ASSERT(*stored);
    return {};
  }

  const bool truncated = end.to == JobState::done && end.outcome.answer->truncated;
  const bool unknown = end.to == JobState::unknown || end.to == JobState::held;
  std::optional<std::int64_t> finished_ms;
  if (end.to == JobState::done || end.to == JobState::failed) finished_ms = to_ms(end.at);
  auto written = end_job_.run(end.job, end.attempt, end.to, end.retries_used, unknown,
                              maybe_ms(end.ready_at), truncated, finished_ms, end.rejections);
  if (!written) return pass(written);
  RB_ASSERT(connection_.changes() == 1);
  written = write_attempt(end, *job, rows);
  if (written) written = write_result(end, *job, rows);
  if (!written) return pass(written);
  count_end(end, job->route);
  new_ended_.push_back(end.job);
  return {};
}

Result<void> BatchWriter::write_states(const std::vector<StoredState>& states) {
  for (const StoredState& state : states) {
    auto written = state.value.empty() ? forget_.run(state.scope, state.item)
                                       : remember_.run(state.scope, state.item, state.value);
    if (!written) return pass(written);
  }
  return {};
}

// A job that failed earlier in this run goes back to the queue. Written twice, the second time
// changes nothing.
Result<void> BatchWriter::write_reopened(JobSeq job) {
  std::string outcome_class;
  auto done = find_failure_.rows([&](const Statement& row) { outcome_class = row.text(0); }, job);
  std::optional<RouteId> route;
  if (done) {
    done = reopen_job_.rows([&](const Statement& row) { route = row.id<RouteId>(0); }, job);
  }
  if (!done || !route) return done;
  ledger_.move_jobs(*route, JobState::failed, JobState::pending);
  ledger_.add_failures(outcome_class, -1);
  done = drop_failure_.run(job);
  if (done) done = keep_answer_.run(job);
  return done;
}

Result<void> BatchWriter::write_start(const AttemptStart& start, const RunRows& rows) {
  RB_ASSERT(is_startable(start.from));
  RB_ASSERT(index_of(start.lane) < rows.lanes.size() && index_of(start.key) < rows.keys.size());
  auto written =
      start_job_.run(start.job, start.from, start.attempt, to_ms(start.at),
                     rows.lanes[index_of(start.lane)].row, rows.keys[index_of(start.key)]);
  if (!written) return pass(written);
  if (connection_.changes() != 1) {
    auto stored = is_start_stored(start);
    if (!stored) return pass(stored);
    RB_ASSERT(*stored);
    return {};
  }
  auto route = remember(start);
  if (!route) return pass(route);
  ledger_.move_jobs(*route, start.from, JobState::running);
  ledger_.calls().sent += 1;
  if (start.from == JobState::unknown) ledger_.calls().resent += 1;
  return {};
}

// The job's text is read here, inside the transaction, for its request goes out right after it.
Result<RouteId> BatchWriter::remember(const AttemptStart& start) {
  Running job{.route = {},
              .attempt = start.attempt,
              .started_ms = to_ms(start.at),
              .lane = start.lane,
              .key = start.key,
              .id = {},
              .metadata_json = {},
              .old = {}};
  StoredJob text;
  auto read = read_job_.rows(
      [&](const Statement& row) {
        text = {row.text(0), row.text(1), row.text(5)};
        const auto at = static_cast<std::size_t>(row.integer(2));
        RB_ASSERT(at <= text.line_json.size());
        job.metadata_json = text.line_json.substr(at, static_cast<std::size_t>(row.integer(3)));
        job.route = row.id<RouteId>(4);
      },
      start.job);
  // Only a job that was asked before can have an answer.
  if (read && start.attempt > AttemptNumber{1}) {
    read = read_recipe_.rows([&](const Statement& row) { job.old = {true, row.maybe_integer(0)}; },
                             start.job);
  }
  if (!read) return pass(read);
  job.id = text.id;
  const RouteId route = job.route;
  new_running_.emplace_back(start.job, std::move(job));
  new_texts_.emplace(start.job, std::move(text));
  return route;
}

const BatchWriter::Running* BatchWriter::running(const AttemptEnd& end) const {
  const auto found = running_.find(end.job);
  if (found == running_.end() || found->second.attempt != end.attempt) return nullptr;
  return &found->second;
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

Result<bool> BatchWriter::is_end_stored(const AttemptEnd& end) {
  bool found = false;
  auto read = find_end_.rows([&](const Statement&) { found = true; }, end.job, end.attempt,
                             to_string(end.outcome.kind), to_ms(end.at));
  if (!read) return pass(read);
  return found;
}

Result<bool> BatchWriter::is_start_stored(const AttemptStart& start) {
  bool found = false;
  auto read = find_start_.rows([&](const Statement&) { found = true; }, start.job, start.attempt,
                               to_ms(start.at));
  if (!read) return pass(read);
  return found;
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
  const std::int64_t latency = latency_ms(end, job.started_ms);
  const ResultWriter::Key key{end.job, end.attempt, to_ms(end.at), latency};
  std::optional<std::int64_t> recipe;
  if (const auto at = rows.recipes.find(job.route); at != rows.recipes.end()) recipe = at->second;
  switch (end.to) {
    case JobState::done:
      return results_.write_answer(key, job.old, recipe, result_record(end, names_of(job, rows)));
    case JobState::failed:
      return results_.write_failure(key, result_record(end, names_of(job, rows)));
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

RecordNames BatchWriter::names_of(const Running& job, const RunRows& rows) {
  const auto type = rows.types.find(job.route);
  return {.id = job.id,
          .type = type == rows.types.end() ? std::string_view{} : type->second,
          .model = rows.lanes[index_of(job.lane)].model,
          .metadata_json = job.metadata_json,
          .sandbox = rows.sandbox};
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
