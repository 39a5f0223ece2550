#include "ratebatch/store/checkpoint_reader.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "store/database_file.hpp"
#include "store/run_lock.hpp"
#include "store/small_tables.hpp"
#include "store/sqlite.hpp"
#include "store/sqlite_schema.hpp"

namespace ratebatch::store {
namespace {

bool is_there(const std::string& path) { return ::access(path.c_str(), F_OK) == 0; }

bool has_content(const std::string& path) {
  struct stat found{};
  return ::stat(path.c_str(), &found) == 0 && found.st_size > 0;
}

// How the database can be read. SQLite needs its -wal and -shm files, or a directory to make them
// in; without either the main file alone is the whole database, if nobody has it open.
Result<Connection::Access> possible_access(const std::string& path) {
  const std::string directory = path.substr(0, path.rfind('/') + 1);
  const bool has_both = is_there(path + "-wal") && is_there(path + "-shm");
  if (has_both || ::access(directory.c_str(), W_OK) == 0) return Connection::Access::read_only;
  if (!has_content(path + "-wal") && !RunLock::holder(path)) return Connection::Access::immutable;
  return fail(ErrorCode::io, "cannot read " + shown(path) +
                                 ": it was not closed well, and its directory cannot be written "
                                 "to; run ratebatch where it can, or copy the directory");
}

// Reads of jobs join the last attempt that ended: the running one has no row yet.
constexpr const char* jobs_sql =
    "SELECT states.seq, jobs.id, routes.type, routes.model, states.state, states.attempts,"
    " attempts.class, attempts.message, attempts.http_status, files.path, jobs.line"
    " FROM states CROSS JOIN jobs ON jobs.seq = states.seq"
    " CROSS JOIN routes ON routes.id = states.route_id"
    " CROSS JOIN files ON files.id = jobs.file_id LEFT JOIN attempts ON attempts.seq = states.seq"
    " AND attempts.number = states.attempts - (states.state = 1)"
    " WHERE (?1 IS NULL OR states.state = ?1) AND (?2 = '' OR attempts.class = ?2)"
    " ORDER BY states.seq LIMIT ?3";

// Reads `columns` of the results behind ?1 in this order, at most ?2 of them.
Statement reading(Connection& connection, ResultOrder order, const std::string& columns) {
  const std::string place = order == ResultOrder::finishing ? "results.id" : "results.seq";
  return {connection, "read results",
          "SELECT " + place + ", coalesce(failure, record)" + columns + " WHERE " + place +
              " > ?1 ORDER BY " + place + " LIMIT ?2"};
}

}  // namespace

Result<std::unique_ptr<CheckpointReader>> CheckpointReader::open(const std::string& path) {
  RB_TRY(resolved, resolved_database_path(path));
  RB_TRY(exists, database_file_exists(*resolved, false));
  if (!*exists) return no_checkpoint(*resolved);
  RB_TRY(ours, refuse_foreign_file(*resolved));

  RB_TRY(access, possible_access(*resolved));
  RB_TRY(connection, Connection::open(*resolved, *access));
  RB_TRY(format, format_of(*connection, *resolved, std::ssize(migrations())));
  if (*format == 0) return no_checkpoint(*resolved);
  if (*format < std::ssize(migrations())) {
    return fail(ErrorCode::foreign, shown(*resolved) + " was made by an older ratebatch (format " +
                                        std::to_string(*format) +
                                        "); `ratebatch resume` brings it up to date");
  }
  return std::unique_ptr<CheckpointReader>(new CheckpointReader(
      std::move(*resolved), std::make_unique<Connection>(std::move(*connection))));
}

CheckpointReader::CheckpointReader(std::string path, std::unique_ptr<Connection> connection)
    : path_(std::move(path)), connection_(std::move(connection)) {}
CheckpointReader::~CheckpointReader() = default;

Result<void> CheckpointReader::for_each_page(
    ResultOrder order, std::int64_t cursor,
    const std::function<Result<void>(const ResultPage&)>& on_page) {
  Statement read_page = reading(*connection_, order, " FROM results");
  ResultPage page;
  page.cursor = cursor;
  const auto add = [&](const Statement& row) {
    page.cursor = row.integer(0);
    ++page.rows;
    page.lines += row.text_view(1);
    page.lines += '\n';
    return page.lines.size() < result_page_bytes_max;
  };
  while (true) {
    page.rows = 0;
    page.lines.clear();
    RB_TRY(read, read_page.rows(add, page.cursor, result_page_rows_max));
    if (page.rows == 0) return {};
    RB_TRY(taken, on_page(page));
  }
}

Result<void> CheckpointReader::for_each_result(
    ResultOrder order, std::int64_t cursor,
    const std::function<Result<void>(const ResultRow&)>& on_result) {
  Statement read_rows = reading(*connection_, order,
                                ", results.seq, jobs.line_json, attempts.http_status,"
                                " attempts.request_id, results.finished_ms"
                                " FROM results CROSS JOIN jobs ON jobs.seq = results.seq"
                                " LEFT JOIN attempts ON attempts.seq = results.seq"
                                " AND attempts.number = results.attempt");
  std::vector<ResultRow> results;
  std::size_t bytes = 0;
  const auto add = [&](const Statement& row) {
    results.push_back({.cursor = row.integer(0),
                       .seq = row.id<JobSeq>(2),
                       .record = row.text(1),
                       .line_json = row.text(3),
                       .http_status = static_cast<std::int32_t>(row.integer(4)),
                       .request_id = row.text(5),
                       .finished_at = row.time(6)});
    bytes += results.back().record.size() + results.back().line_json.size();
    return bytes < result_page_bytes_max;
  };
  while (true) {
    results.clear();
    bytes = 0;
    RB_TRY(read, read_rows.rows(add, cursor, result_page_rows_max));
    if (results.empty()) return {};
    cursor = results.back().cursor;
    for (const ResultRow& result : results) {
      RB_TRY(taken, on_result(result));
    }
  }
}

Result<std::vector<JobRow>> CheckpointReader::jobs(const JobFilter& filter,
                                                   std::int64_t count_max) {
  return connection_->list(
      "list jobs", jobs_sql,
      [](const Statement& row) {
        return JobRow{.seq = row.id<JobSeq>(0),
                      .id = row.text(1),
                      .type = row.text(2),
                      .model = row.text(3),
                      .state = row.id<JobState>(4),
                      .attempts = row.integer(5),
                      .outcome_class = row.text(6),
                      .message = row.text(7),
                      .http_status = static_cast<std::int32_t>(row.integer(8)),
                      .file = row.text(9),
                      .line = row.integer(10)};
      },
      filter.state, filter.outcome_class, count_max);
}

Result<std::vector<std::string>> CheckpointReader::job_files() {
  return connection_->list("list job files", "SELECT path FROM files",
                           [](const Statement& row) { return row.text(0); });
}

Result<std::int64_t> CheckpointReader::results_of_others(const std::vector<Recipe>& recipes) {
  std::int64_t others = 0;
  const auto count = [&](const Statement& row) {
    const bool is_other = std::ranges::find(recipes, row.text(0), &Recipe::hash) == recipes.end();
    if (is_other) others += row.integer(1);
  };
  RB_TRY(read,
         connection_->rows("count results by recipe", "SELECT hash, results FROM recipes", count));
  return others;
}

Result<std::optional<JobSize>> CheckpointReader::open_job_size(RouteId route) {
  const auto read = [](const Statement& row) {
    return row.is_null(0) ? std::nullopt : std::optional{stored_size(row, 0)};
  };
  RB_TRY(size, connection_->first(
                   "read the size of jobs",
                   "SELECT CAST(avg(input_bytes) AS INTEGER), CAST(avg(output_max) AS INTEGER),"
                   " CAST(avg(images) AS INTEGER), max(raw_body) FROM (SELECT * FROM states"
                   " WHERE route_id = ?1 AND state IN (0, 3) ORDER BY priority DESC, seq LIMIT ?2)",
                   read, route, recent_results_max));
  RB_ASSERT(size->has_value());
  return **size;
}

Result<std::optional<StoredJob>> CheckpointReader::find_job(const std::string& id) {
  return connection_->first("find a job",
                            "SELECT jobs.id, line_json, path FROM jobs"
                            " JOIN files ON files.id = file_id WHERE jobs.id = ?1",
                            stored_job, id);
}

}  // namespace ratebatch::store
