#include "store/fetch_writer.hpp"

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"
#include "store/batch_writer.hpp"
#include "store/result_record.hpp"

namespace ratebatch::store {
namespace {

constexpr const char* download_storing = "store a download";

std::string json_list(const std::vector<std::string>& texts) {
  std::string list;
  for (const std::string& text : texts) {
    list += list.empty() ? '[' : ',';
    append_json_string(list, text);
  }
  return list.empty() ? "[]" : list + ']';
}

}  // namespace

Result<void> FetchWriter::prepare() {
  return prepare_all(
      connection_,
      {{&add_,
        "INSERT INTO fetches (seq, attempt, tries, recipe_id, latency_ms, truncated, links, files,"
        " content) VALUES (?1, ?2, 0, ?3, ?4, ?5, ?6, ?7, ?8)",
        download_storing},
       {&find_kept_,
        "SELECT jobs.id, jobs.line_json, jobs.metadata_at, jobs.metadata_bytes, states.route_id,"
        " lanes.model, fetches.recipe_id, fetches.latency_ms, fetches.truncated, fetches.files,"
        " fetches.content, results.seq, results.recipe_id"
        " FROM fetches CROSS JOIN jobs ON jobs.seq = fetches.seq"
        " CROSS JOIN states ON states.seq = fetches.seq"
        " CROSS JOIN attempts ON attempts.seq = fetches.seq AND attempts.number = fetches.attempt"
        " CROSS JOIN lanes ON lanes.id = attempts.lane_id"
        " LEFT JOIN results ON results.seq = fetches.seq"
        " WHERE fetches.seq = ?1 AND fetches.attempt = ?2",
        download_storing},
       {&note_try_,
        "UPDATE fetches SET tries = ?3, ready_at_ms = ?4"
        " WHERE seq = ?1 AND attempt = ?2 AND tries IN (?3 - 1, ?3)",
        download_storing},
       {&find_stored_,
        "SELECT 1 FROM states LEFT JOIN fetches USING (seq) WHERE seq = ?1 AND attempts = ?2"
        " AND state = ?4 AND CASE state WHEN 2 THEN tries = ?3 ELSE finished_at_ms = ?5 END",
        download_storing},
       {&finish_job_,
        "UPDATE states SET state = ?3, truncated = ?4, finished_at_ms = ?5"
        " WHERE seq = ?1 AND state = 2 AND attempts = ?2",
        download_storing},
       // What has become of the attempt: `status` and lists of failures look there.
       {&note_attempt_,
        "UPDATE attempts SET class = ?3, message = ?4 WHERE seq = ?1 AND number = ?2",
        download_storing},
       {&drop_, "DELETE FROM fetches WHERE seq = ?1", download_storing},
       {&read_job_,
        "SELECT id, json_array_length(files) FROM fetches JOIN jobs USING (seq) WHERE seq = ?1",
        "read a download"},
       {&read_links_,
        "SELECT value FROM fetches, json_each(fetches.links) WHERE seq = ?1 ORDER BY key",
        "read a download"}});
}

Result<void> FetchWriter::add(const AttemptEnd& end, std::optional<std::int64_t> recipe,
                              std::int64_t latency_ms) {
  const Answer& answer = *end.outcome.answer;
  RB_ASSERT(!answer.links.empty());
  return add_.run(end.job, end.attempt, recipe, latency_ms, answer.truncated,
                  json_list(answer.links), json_list(answer.files), answer_content(end));
}

Result<void> FetchWriter::write(const FetchEnd& end, const RunRows& rows) {
  RB_ASSERT(end.to == JobState::fetching || is_legal(JobState::fetching, end.to));
  RB_ASSERT((end.to == JobState::fetching) == end.ready_at.has_value());
  RB_ASSERT((end.to == JobState::done) == (end.outcome.kind == OutcomeClass::done));
  if (end.to == JobState::fetching) return write_retry(end);
  auto kept = find_kept(end);
  if (!kept) return pass(kept);
  if (!*kept) return check_stored(end);
  return write_result(end, **kept, rows);
}

Result<void> FetchWriter::write_retry(const FetchEnd& end) {
  auto written = note_try_.run(end.job, end.attempt, end.tries, maybe_ms(end.ready_at));
  if (!written) return written;
  if (connection_.changes() != 1) return check_stored(end);
  // The answer came all the same.
  return note_attempt_.run(end.job, end.attempt, to_string(OutcomeClass::done),
                           end.outcome.message);
}

Result<void> FetchWriter::check_stored(const FetchEnd& end) {
  bool found = false;
  auto read = find_stored_.rows([&](const Statement&) { found = true; }, end.job, end.attempt,
                                end.tries, end.to, to_ms(end.at));
  RB_ASSERT(!read || found);
  return read;
}

Result<std::optional<FetchWriter::Kept>> FetchWriter::find_kept(const FetchEnd& end) {
  std::optional<Kept> kept;
  auto read = find_kept_.rows(
      [&](const Statement& row) {
        kept.emplace();
        kept->id = row.text(0);
        const auto at = static_cast<std::size_t>(row.integer(2));
        const std::string_view line = row.text_view(1);
        RB_ASSERT(at <= line.size());
        kept->metadata_json = line.substr(at, static_cast<std::size_t>(row.integer(3)));
        kept->route = row.id<RouteId>(4);
        kept->model = row.text(5);
        kept->recipe = row.maybe_integer(6);
        kept->latency_ms = row.integer(7);
        kept->truncated = row.integer(8) != 0;
        kept->files_json = row.text(9);
        kept->content = row.text(10);
        kept->old = {!row.is_null(11), row.maybe_integer(12)};
      },
      end.job, end.attempt);
  if (!read) return pass(read);
  return kept;
}

Result<void> FetchWriter::write_result(const FetchEnd& end, const Kept& kept, const RunRows& rows) {
  const bool done = end.to == JobState::done;
  auto written =
      finish_job_.run(end.job, end.attempt, end.to, done && kept.truncated, to_ms(end.at));
  if (!written) return written;
  RB_ASSERT(connection_.changes() == 1);
  const auto type = rows.types.find(kept.route);
  const RecordNames names{.id = kept.id,
                          .type = type == rows.types.end() ? std::string_view{} : type->second,
                          .model = kept.model,
                          .metadata_json = kept.metadata_json,
                          .sandbox = rows.sandbox};
  const std::string record = fetched_record(end, names, kept.files_json, kept.content);
  const ResultWriter::Key key{end.job, end.attempt, to_ms(end.at), kept.latency_ms};
  if (done) {
    written = results_.write_answer(key, kept.old, kept.recipe, record);
    if (kept.truncated) ledger_.add_truncated(kept.route, 1);
  } else {
    written = results_.write_failure(key, record);
    ledger_.add_failures(to_string(end.outcome.kind), 1);
  }
  if (written) {
    written =
        note_attempt_.run(end.job, end.attempt, to_string(end.outcome.kind), end.outcome.message);
  }
  if (written) written = drop_.run(end.job);
  ledger_.move_jobs(kept.route, JobState::fetching, end.to);
  return written;
}

Result<StoredFetch> FetchWriter::read(JobSeq job) {
  StoredFetch fetch;
  bool found = false;
  auto read = read_job_.rows(
      [&](const Statement& row) {
        found = true;
        fetch.id = row.text(0);
        fetch.files = static_cast<std::size_t>(row.integer(1));
      },
      job);
  if (read) {
    read = read_links_.rows([&](const Statement& row) { fetch.links.push_back(row.text(0)); }, job);
  }
  if (!read) return pass(read);
  RB_ASSERT(found);
  return fetch;
}

Result<std::vector<FetchingJob>> read_fetching_jobs(Connection& connection) {
  auto statement = connection.prepare(
      "SELECT fetches.seq, route_id, attempt, tries, fetches.ready_at_ms, ended_ms FROM fetches"
      " JOIN states USING (seq)"
      " LEFT JOIN attempts ON attempts.seq = fetches.seq AND number = attempt"
      " ORDER BY fetches.seq",
      "read downloads");
  if (!statement) return pass(statement);
  std::vector<FetchingJob> jobs;
  auto read = statement->rows([&](const Statement& row) {
    FetchingJob job{row.id<JobSeq>(0), row.id<RouteId>(1), row.id<AttemptNumber>(2),
                    static_cast<std::int32_t>(row.integer(3))};
    if (const auto ready_ms = row.maybe_integer(4)) job.ready_at = wall_from_ms(*ready_ms);
    if (const auto ended_ms = row.maybe_integer(5)) job.answered_at = wall_from_ms(*ended_ms);
    jobs.push_back(job);
  });
  if (!read) return pass(read);
  return jobs;
}

}  // namespace ratebatch::store
