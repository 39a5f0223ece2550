#include "store/sqlite_job_loader.hpp"

#include "ratebatch/base/assert.hpp"

namespace ratebatch::store {
namespace {

constexpr const char* loading = "load jobs";
constexpr const char* stdin_path = "-";

// State rows are stored so many at a time: one execution of a statement for each costs more than
// the row itself.
constexpr std::size_t states_at_a_time = 64;
constexpr std::size_t values_of_state = 7;

// Where the metadata stand in the line, so that they need not be stored a second time.
std::int64_t metadata_at(const NewJob& job) {
  const std::size_t at = job.line_json.find(job.metadata_json);
  RB_ASSERT(at != std::string::npos);
  return static_cast<std::int64_t>(at);
}

std::string add_states_sql(std::size_t rows) {
  std::string sql =
      "INSERT INTO states (seq, route_id, priority, state, input_bytes, output_max, images,"
      " raw_body) VALUES (?, ?, ?, 0, ?, ?, ?, ?)";
  for (std::size_t i = 1; i < rows; ++i) sql += ", (?, ?, ?, 0, ?, ?, ?, ?)";
  return sql;
}

}  // namespace

Result<std::unique_ptr<JobLoader>> SqliteJobLoader::begin(Connection& connection,
                                                          CounterLedger& ledger,
                                                          SameContent same_content) {
  auto transaction = Transaction::begin_write(connection);
  if (!transaction) return pass(transaction);
  std::unique_ptr<SqliteJobLoader> loader(
      new SqliteJobLoader(connection, ledger, std::move(same_content), std::move(*transaction)));
  auto ready = loader->prepare();
  if (!ready) return pass(ready);
  return loader;
}

SqliteJobLoader::~SqliteJobLoader() {
  if (transaction_) ledger_.discard();
}

Result<void> SqliteJobLoader::prepare() {
  const std::string add_state = add_states_sql(1);
  const std::string add_many = add_states_sql(states_at_a_time);
  return prepare_all(
      connection_,
      {{&find_stamp_, "SELECT inode, size, mtime_ns FROM files WHERE path = ?1", loading},
       {&set_file_,
        "INSERT INTO files (path, inode, size, mtime_ns) VALUES (?1, ?2, ?3, ?4)"
        " ON CONFLICT (path) DO UPDATE SET inode = excluded.inode, size = excluded.size,"
        " mtime_ns = excluded.mtime_ns RETURNING id, first_seq",
        loading},
       {&set_first_seq_, "UPDATE files SET first_seq = ?2 WHERE id = ?1", loading},
       {&walk_,
        "SELECT line, line_json FROM jobs WHERE seq >= ?1 AND file_id = ?2 AND load < ?3"
        " ORDER BY seq",
        loading},
       {&add_route_, "INSERT INTO routes (type, model) VALUES (?1, ?2)", loading},
       {&add_job_,
        "INSERT INTO jobs (id, file_id, line, load, line_json, metadata_at, metadata_bytes)"
        " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
        " ON CONFLICT (id) DO NOTHING",
        loading},
       {&add_state_, add_state.c_str(), loading},
       {&add_many_states_, add_many.c_str(), loading},
       {&find_job_,
        "SELECT jobs.seq, states.state, states.route_id, jobs.line_json, jobs.load = ?2,"
        " files.path, jobs.line FROM jobs JOIN states USING (seq)"
        " JOIN files ON files.id = jobs.file_id WHERE jobs.id = ?1",
        loading},
       {&update_job_,
        "UPDATE jobs SET file_id = ?2, line = ?3, load = ?4, line_json = ?5, metadata_at = ?6,"
        " metadata_bytes = ?7 WHERE seq = ?1",
        loading},
       {&update_state_,
        "UPDATE states SET route_id = ?2, priority = ?3, state = 0, retries_used = 0, unknowns = 0,"
        " rejections = 0, ready_at_ms = NULL, finished_at_ms = NULL, input_bytes = ?4,"
        " output_max = ?5, images = ?6, raw_body = ?7 WHERE seq = ?1 AND state IN (0, 6)",
        loading},
       {&find_failure_,
        "SELECT class FROM attempts WHERE seq = ?1"
        " AND number = (SELECT attempt FROM results WHERE seq = ?1)",
        loading},
       {&drop_failure_, "DELETE FROM results WHERE seq = ?1 AND record IS NULL", loading},
       {&keep_answer_, "UPDATE results SET failed = 0, failure = NULL WHERE seq = ?1", loading}});
}

Result<void> SqliteJobLoader::count_load() {
  auto statement = connection_.prepare(
      "INSERT INTO meta VALUES ('loads', '1')"
      " ON CONFLICT DO UPDATE SET value = value + 1 RETURNING CAST(value AS INTEGER)",
      loading);
  if (!statement) return pass(statement);
  auto counted = statement->rows([&](const Statement& row) { load_ = row.integer(0); });
  if (!counted) return pass(counted);
  auto routes = connection_.prepare("SELECT type, model, id FROM routes", loading);
  if (!routes) return pass(routes);
  return routes->rows(
      [&](const Statement& row) { routes_[{row.text(0), row.text(1)}] = row.id<RouteId>(2); });
}

Result<std::optional<FileStamp>> SqliteJobLoader::stamp_of(const std::string& path) {
  std::optional<FileStamp> stamp;
  if (path == stdin_path) return stamp;
  auto read = find_stamp_.rows(
      [&](const Statement& row) {
        stamp = FileStamp{path, row.integer(0), row.integer(1), row.integer(2)};
      },
      path);
  if (!read) return pass(read);
  return stamp;
}

Result<void> SqliteJobLoader::begin_file(const FileStamp& stamp) {
  RB_ASSERT(transaction_.has_value());
  walk_.stop();
  walking_ = false;
  // Only now: where no file is new, nothing is written and no disk waited for.
  if (load_ == 0) {
    auto counted = count_load();
    if (!counted) return counted;
  }
  auto begun = set_file_.rows(
      [&](const Statement& row) {
        file_ = row.integer(0);
        first_seq_ = row.maybe_integer(1);
      },
      stamp.path, stamp.inode, stamp.size, stamp.mtime_ns);
  if (!begun || !first_seq_) return begun;
  walk_.start(*first_seq_, *file_, load_);
  return step_walk();
}

Result<void> SqliteJobLoader::step_walk() {
  auto row = walk_.next();
  if (!row) return pass(row);
  walking_ = *row;
  return {};
}

Result<bool> SqliteJobLoader::is_stored(std::int64_t line, std::string_view line_json) {
  RB_ASSERT(transaction_.has_value() && file_.has_value());
  while (walking_ && walk_.integer(0) < line) {
    auto stepped = step_walk();
    if (!stepped) return pass(stepped);
  }
  return walking_ && walk_.integer(0) == line && walk_.text_view(1) == line_json;
}

Result<Added> SqliteJobLoader::add(const NewJob& job, bool update) {
  RB_ASSERT(transaction_.has_value() && file_.has_value());
  auto added = add_job_.run(job.id, *file_, job.line, load_, job.line_json, metadata_at(job),
                            std::ssize(job.metadata_json));
  if (!added) return pass(added);
  if (connection_.changes() == 1) {
    const JobSeq seq{connection_.last_row_id()};
    auto route = route_of(job);
    if (!route) return pass(route);
    new_states_.insert(new_states_.end(),
                       {static_cast<std::int64_t>(seq), static_cast<std::int64_t>(*route),
                        job.priority, job.size.input_bytes, job.size.output_max.value_or(0),
                        job.size.images, job.size.raw_body ? 1 : 0});
    if (new_states_.size() == states_at_a_time * values_of_state) added = store_states();
    if (added && !first_seq_) {
      first_seq_ = static_cast<std::int64_t>(seq);
      added = set_first_seq_.run(*file_, seq);
    }
    if (!added) return pass(added);
    ledger_.add_jobs(*route, JobState::pending, 1);
    return Added{};
  }

  added = store_states();
  if (!added) return pass(added);
  auto existing = read_existing(job);
  if (!existing) return pass(existing);
  Added result{.first_file = existing->file, .first_line = existing->line};
  const bool may_change =
      existing->state == JobState::pending || existing->state == JobState::failed;
  if (existing->same_content) {
    result.as = AddedAs::same;
  } else if (!update || existing->of_this_load) {
    // Twice in one load with different content is a mistake even where changes are welcome.
    result.as = AddedAs::conflict;
  } else if (!may_change) {
    result.as = AddedAs::kept;
  } else {
    result.as = AddedAs::updated;
    auto updated = update_job(job, *existing);
    if (!updated) return pass(updated);
  }
  return result;
}

Result<void> SqliteJobLoader::store_states() {
  Result<void> stored;
  if (new_states_.size() == states_at_a_time * values_of_state) {
    stored = add_many_states_.run_list(new_states_);
  } else {
    const std::span<const std::int64_t> all{new_states_};
    for (std::size_t at = 0; stored && at < all.size(); at += values_of_state) {
      stored = add_state_.run_list(all.subspan(at, values_of_state));
    }
  }
  new_states_.clear();
  return stored;
}

Result<RouteId> SqliteJobLoader::route_of(const NewJob& job) {
  const std::pair<std::string, std::string> name(job.type, job.model);
  const auto at = routes_.find(name);
  if (at != routes_.end()) return at->second;
  auto added = add_route_.run(job.type, job.model);
  if (!added) return pass(added);
  const RouteId route{connection_.last_row_id()};
  added = ledger_.add_route(route);
  if (!added) return pass(added);
  routes_[name] = route;
  return route;
}

Result<SqliteJobLoader::Existing> SqliteJobLoader::read_existing(const NewJob& job) {
  std::optional<Existing> existing;
  auto read = find_job_.rows(
      [&](const Statement& row) {
        existing = Existing{.seq = row.id<JobSeq>(0),
                            .state = row.id<JobState>(1),
                            .route = row.id<RouteId>(2),
                            .same_content = is_same(row.text_view(3), job.line_json),
                            .of_this_load = row.integer(4) != 0,
                            .file = row.text(5),
                            .line = row.integer(6)};
      },
      job.id, load_);
  if (!read) return pass(read);
  RB_ASSERT(existing.has_value());
  return std::move(*existing);
}

Result<void> SqliteJobLoader::update_job(const NewJob& job, const Existing& existing) {
  auto route = route_of(job);
  if (!route) return pass(route);
  auto done = update_job_.run(existing.seq, *file_, job.line, load_, job.line_json,
                              metadata_at(job), std::ssize(job.metadata_json));
  if (done)
    done = update_state_.run(existing.seq, *route, job.priority, job.size.input_bytes,
                             job.size.output_max.value_or(0), job.size.images,
                             job.size.raw_body ? 1 : 0);
  if (!done) return done;
  RB_ASSERT(connection_.changes() == 1);
  // The walk may stand on the line that this one took over.
  walk_.stop();
  walking_ = false;
  ledger_.add_jobs(existing.route, existing.state, -1);
  ledger_.add_jobs(*route, JobState::pending, 1);
  if (existing.state == JobState::failed) return forget_failure(existing);
  return done;
}

Result<void> SqliteJobLoader::forget_failure(const Existing& existing) {
  auto done = find_failure_.rows(
      [&](const Statement& row) { ledger_.add_failures(row.text(0), -1); }, existing.seq);
  if (done) done = drop_failure_.run(existing.seq);
  if (done) done = keep_answer_.run(existing.seq);
  return done;
}

Result<void> SqliteJobLoader::commit() {
  RB_ASSERT(transaction_.has_value());
  walk_.stop();
  auto done = store_states();
  if (done) done = ledger_.save();
  if (done) done = transaction_->commit();
  transaction_.reset();
  if (done) {
    ledger_.accept();
  } else {
    ledger_.discard();
  }
  return done;
}

}  // namespace ratebatch::store
