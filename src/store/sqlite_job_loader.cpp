#include "store/sqlite_job_loader.hpp"

#include "ratebatch/base/assert.hpp"

namespace ratebatch::store {
namespace {

constexpr const char* stdin_path = "-";

// Where the metadata stand in the line, so that they need not be stored a second time.
std::int64_t metadata_at(const NewJob& job) {
  const std::size_t at = job.line_json.find(job.metadata_json);
  RB_ASSERT(at != std::string::npos);
  return static_cast<std::int64_t>(at);
}

}  // namespace

std::string add_states_sql(std::size_t rows) {
  std::string sql =
      "INSERT INTO states (seq, route_id, priority, state, input_bytes, output_max, images,"
      " raw_body) VALUES (?, ?, ?, 0, ?, ?, ?, ?)";
  for (std::size_t i = 1; i < rows; ++i) sql += ", (?, ?, ?, 0, ?, ?, ?, ?)";
  return sql;
}

Result<std::unique_ptr<JobLoader>> SqliteJobLoader::begin(Connection& connection,
                                                          CounterLedger& ledger,
                                                          SameContent same_content) {
  RB_TRY(transaction, Transaction::begin_write(connection));
  return std::unique_ptr<JobLoader>(
      new SqliteJobLoader(connection, ledger, std::move(same_content), std::move(*transaction)));
}

SqliteJobLoader::~SqliteJobLoader() {
  if (transaction_) ledger_.discard();
}

Result<void> SqliteJobLoader::count_load() {
  auto counted = prepare_(
                     "INSERT INTO meta VALUES ('loads', '1') ON CONFLICT DO UPDATE"
                     " SET value = value + 1 RETURNING CAST(value AS INTEGER)")
                     .rows([&](const Statement& row) { load_ = row.integer(0); });
  if (!counted) return counted;
  return prepare_("SELECT type, model, id FROM routes").rows([&](const Statement& row) {
    routes_[{row.text(0), row.text(1)}] = row.id<RouteId>(2);
  });
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
    RB_TRY(counted, count_load());
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
  RB_TRY(row, walk_.next());
  walking_ = *row;
  return {};
}

Result<bool> SqliteJobLoader::is_stored(std::int64_t line, std::string_view line_json) {
  RB_ASSERT(transaction_.has_value() && file_.has_value());
  while (walking_ && walk_.integer(0) < line) {
    RB_TRY(stepped, step_walk());
  }
  return walking_ && walk_.integer(0) == line && walk_.text_view(1) == line_json;
}

Result<Added> SqliteJobLoader::add(const NewJob& job, bool update) {
  RB_ASSERT(transaction_.has_value() && file_.has_value());
  RB_TRY(added, add_job_.run(job.id, *file_, job.line, load_, job.line_json, metadata_at(job),
                             std::ssize(job.metadata_json)));
  if (connection_.changes() == 1) {
    const JobSeq seq{connection_.last_row_id()};
    RB_TRY(route, route_of(job));
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
  RB_TRY(existing, read_existing(job));
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
    RB_TRY(updated, update_job(job, *existing));
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
  RB_TRY(added, add_route_.run(job.type, job.model));
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
  RB_TRY(route, route_of(job));
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
  if (existing.state == JobState::failed) return results_.forget_failure(existing.seq);
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
