#include "ratebatch/store/checkpoint_reader.hpp"

#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <utility>

#include "store/database_file.hpp"
#include "store/result_pages.hpp"
#include "store/run_lock.hpp"
#include "store/sqlite.hpp"
#include "store/sqlite_schema.hpp"
#include "store/status_query.hpp"

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

}  // namespace

struct CheckpointReader::Parts {
  std::string path;
  Connection connection;
};

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
  auto parts = std::make_unique<Parts>(Parts{std::move(*resolved), std::move(*connection)});
  return std::unique_ptr<CheckpointReader>(new CheckpointReader(std::move(parts)));
}

CheckpointReader::CheckpointReader(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
CheckpointReader::~CheckpointReader() = default;

Result<StatusData> CheckpointReader::status() {
  const std::optional<std::int64_t> holder = RunLock::holder(parts_->path);
  RB_TRY(transaction, Transaction::begin_read(parts_->connection));
  return read_status(parts_->connection, holder);
}

Result<void> CheckpointReader::for_each_page(
    ResultOrder order, std::int64_t cursor,
    const std::function<Result<void>(const ResultPage&)>& on_page) {
  ResultPages pages(parts_->connection, order, cursor);
  while (true) {
    RB_TRY(page, pages.next());
    if ((*page)->rows == 0) return {};
    RB_TRY(taken, on_page(**page));
  }
}

Result<void> CheckpointReader::for_each_result(
    ResultOrder order, std::int64_t cursor,
    const std::function<Result<void>(const ResultRow&)>& on_result) {
  ResultRows rows(parts_->connection, order, cursor);
  while (true) {
    RB_TRY(page, rows.next());
    if ((*page)->empty()) return {};
    for (const ResultRow& row : **page) {
      RB_TRY(taken, on_result(row));
    }
  }
}

Result<std::vector<JobRow>> CheckpointReader::jobs(const JobFilter& filter,
                                                   std::int64_t count_max) {
  return parts_->connection.list(
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
  return parts_->connection.list("list job files", "SELECT path FROM files",
                                 [](const Statement& row) { return row.text(0); });
}

Result<std::int64_t> CheckpointReader::results_of_others(const std::vector<Recipe>& recipes) {
  std::int64_t others = 0;
  auto read = parts_->connection.rows(
      "count results by recipe", "SELECT hash, results FROM recipes", [&](const Statement& row) {
        if (std::ranges::find(recipes, row.text(0), &Recipe::hash) == recipes.end()) {
          others += row.integer(1);
        }
      });
  if (!read) return pass(read);
  return others;
}

Result<std::optional<JobSize>> CheckpointReader::open_job_size(RouteId route) {
  std::optional<JobSize> size;
  auto read = parts_->connection.rows(
      "read the size of jobs",
      "SELECT CAST(avg(input_bytes) AS INTEGER), CAST(avg(output_max) AS INTEGER),"
      " CAST(avg(images) AS INTEGER), max(raw_body) FROM (SELECT * FROM states"
      " WHERE route_id = ?1 AND state IN (0, 3) ORDER BY priority DESC, seq LIMIT ?2)",
      [&](const Statement& row) {
        if (row.is_null(0)) return;
        size.emplace();
        size->input_bytes = row.integer(0);
        if (row.integer(1) > 0) size->output_max = row.integer(1);
        size->images = row.integer(2);
        size->raw_body = row.integer(3) != 0;
      },
      route, recent_results_max);
  if (!read) return pass(read);
  return size;
}

Result<std::optional<StoredJob>> CheckpointReader::find_job(const std::string& id) {
  std::optional<StoredJob> job;
  auto read = parts_->connection.rows(
      "find a job",
      "SELECT jobs.id, line_json, path FROM jobs JOIN files ON files.id = file_id"
      " WHERE jobs.id = ?1",
      [&](const Statement& row) { job = StoredJob{row.text(0), row.text(1), row.text(2)}; }, id);
  if (!read) return pass(read);
  return job;
}

}  // namespace ratebatch::store
