#include "store/fetch_writer.hpp"

#include "ratebatch/base/assert.hpp"

namespace ratebatch::store {

Result<void> FetchWriter::add(const AttemptEnd& end, std::optional<std::int64_t> recipe,
                              std::int64_t latency_ms) {
  const Answer& answer = *end.outcome.answer;
  RB_ASSERT(!answer.links.empty());
  return add_.run(end.job, end.attempt, recipe, latency_ms, answer.truncated,
                  with_strings("[]", answer.links), with_strings("[]", answer.files),
                  answer_content(end));
}

Result<void> FetchWriter::write(const FetchEnd& end, const RunRows& rows) {
  RB_ASSERT(end.to == JobState::fetching || is_legal(JobState::fetching, end.to));
  RB_ASSERT((end.to == JobState::fetching) == end.ready_at.has_value());
  RB_ASSERT((end.to == JobState::done) == (end.outcome.kind == OutcomeClass::done));
  if (end.to == JobState::fetching) return write_retry(end);
  RB_TRY(kept, find_kept(end));
  if (!*kept) return check_stored(end);
  return write_result(end, **kept, rows);
}

Result<void> FetchWriter::write_retry(const FetchEnd& end) {
  RB_TRY(written, note_try_.run(end.job, end.attempt, end.tries, maybe_ms(end.ready_at)));
  if (connection_.changes() != 1) return check_stored(end);
  // The answer came all the same.
  return note_attempt_.run(end.job, end.attempt, to_string(OutcomeClass::done),
                           end.outcome.message);
}

Result<void> FetchWriter::check_stored(const FetchEnd& end) {
  RB_TRY(stored, find_stored_.exists(end.job, end.attempt, end.tries, end.to, to_ms(end.at)));
  RB_ASSERT(*stored);
  return {};
}

Result<std::optional<FetchWriter::Kept>> FetchWriter::find_kept(const FetchEnd& end) {
  const auto read = [](const Statement& row) {
    return Kept{.id = row.text(0),
                .route = row.id<RouteId>(4),
                .model = row.text(5),
                .metadata_json = metadata_of(row, 1),
                .recipe = row.maybe_integer(6),
                .latency_ms = row.integer(7),
                .truncated = row.integer(8) != 0,
                .files_json = row.text(9),
                .content = row.text(10),
                .old = {!row.is_null(11), row.maybe_integer(12)}};
  };
  return find_kept_.first(read, end.job, end.attempt);
}

Result<void> FetchWriter::write_result(const FetchEnd& end, const Kept& kept, const RunRows& rows) {
  const bool done = end.to == JobState::done;
  RB_TRY(finished,
         finish_job_.run(end.job, end.attempt, end.to, done && kept.truncated, to_ms(end.at)));
  RB_ASSERT(connection_.changes() == 1);
  const RecordNames names = rows.names(kept.route, kept.id, kept.model, kept.metadata_json);
  const std::string record = fetched_record(end, names, kept.files_json, kept.content);
  const ResultWriter::Key key{end.job, end.attempt, to_ms(end.at), kept.latency_ms};
  RB_TRY(written, done ? results_.write_answer(key, kept.old, kept.recipe, record)
                       : results_.write_failure(key, record));
  RB_TRY(noted,
         note_attempt_.run(end.job, end.attempt, to_string(end.outcome.kind), end.outcome.message));
  if (done && kept.truncated) ledger_.add_truncated(kept.route, 1);
  if (!done) ledger_.add_failures(to_string(end.outcome.kind), 1);
  ledger_.move_jobs(kept.route, JobState::fetching, end.to);
  return drop_.run(end.job);
}

Result<StoredFetch> FetchWriter::read(JobSeq job) {
  const auto read_job = [](const Statement& row) {
    return StoredFetch{row.text(0), {}, static_cast<std::size_t>(row.integer(1))};
  };
  RB_TRY(fetch, read_job_.first(read_job, job));
  RB_ASSERT(fetch->has_value());
  const auto add_link = [&](const Statement& row) { (*fetch)->links.push_back(row.text(0)); };
  RB_TRY(read, read_links_.rows(add_link, job));
  return std::move(**fetch);
}

Result<std::vector<FetchingJob>> read_fetching_jobs(Connection& connection) {
  return connection.list(
      "read downloads",
      "SELECT fetches.seq, route_id, attempt, tries, fetches.ready_at_ms, ended_ms FROM fetches"
      " JOIN states USING (seq)"
      " LEFT JOIN attempts ON attempts.seq = fetches.seq AND number = attempt"
      " ORDER BY fetches.seq",
      [](const Statement& row) {
        return FetchingJob{.seq = row.id<JobSeq>(0),
                           .route = row.id<RouteId>(1),
                           .attempt = row.id<AttemptNumber>(2),
                           .tries = static_cast<std::int32_t>(row.integer(3)),
                           .ready_at = row.maybe_time(4),
                           .answered_at = row.time(5)};
      });
}

}  // namespace ratebatch::store
