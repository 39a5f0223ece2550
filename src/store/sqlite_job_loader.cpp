// The loader over the one writing connection; see job_loader.hpp for what it promises.
#include <map>
#include <memory>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/store/job_loader.hpp"
#include "store/counter_ledger.hpp"
#include "store/result_writer.hpp"
#include "store/sqlite.hpp"
#include "store/sqlite_checkpoint_parts.hpp"

namespace ratebatch::store {
namespace {

// State rows are stored so many at a time: one execution of a statement for each costs more than
// the row itself.
constexpr std::size_t states_at_a_time = 64;
constexpr std::size_t values_of_state = 7;

constexpr const char* loading = "load jobs";
constexpr const char* stdin_path = "-";

// Where the metadata stand in the line, so that they need not be stored a second time.
std::int64_t metadata_at(const NewJob& job) {
  const std::size_t at = job.line_json.find(job.metadata_json);
  RB_ASSERT(at != std::string::npos);
  return static_cast<std::int64_t>(at);
}

// Adds `rows` states, each with its values.
std::string add_states_sql(std::size_t rows) {
  std::string sql =
      "INSERT INTO states (seq, route_id, priority, state, input_bytes, output_max, images,"
      " raw_body) VALUES (?, ?, ?, 0, ?, ?, ?, ?)";
  for (std::size_t i = 1; i < rows; ++i) sql += ", (?, ?, ?, 0, ?, ?, ?, ?)";
  return sql;
}

class SqliteJobLoader final : public JobLoader {
 public:
  // Connection and ledger must outlive the loader.
  SqliteJobLoader(Connection& connection, CounterLedger& ledger, SameContent same_content,
                  Transaction transaction)
      : connection_(connection),
        ledger_(ledger),
        results_(connection, ledger),
        same_content_(std::move(same_content)),
        transaction_(std::move(transaction)) {}
  ~SqliteJobLoader() override {
    if (transaction_) ledger_.discard();
  }

  Result<std::optional<FileStamp>> stamp_of(const std::string& path) override {
    if (path == stdin_path) return std::nullopt;
    return find_stamp_.first(
        [&](const Statement& row) {
          return FileStamp{path, row.integer(0), row.integer(1), row.integer(2)};
        },
        path);
  }

  Result<void> begin_file(const FileStamp& stamp) override {
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

  Result<bool> is_stored(std::int64_t line, std::string_view line_json) override {
    RB_ASSERT(transaction_.has_value() && file_.has_value());
    while (walking_ && walk_.integer(0) < line) {
      RB_TRY(stepped, step_walk());
    }
    return walking_ && walk_.integer(0) == line && walk_.text_view(1) == line_json;
  }

  Result<Added> add(const NewJob& job, bool update) override {
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
      if (new_states_.size() == states_at_a_time * values_of_state) {
        RB_TRY(stored, store_states());
      }
      if (!first_seq_) {
        first_seq_ = static_cast<std::int64_t>(seq);
        RB_TRY(noted, set_first_seq_.run(*file_, seq));
      }
      ledger_.add_jobs(*route, JobState::pending, 1);
      return Added{};
    }

    RB_TRY(stored, store_states());
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

  Result<void> commit() override {
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

 private:
  // A stored job that has the id of a new one.
  struct Existing {
    JobSeq seq{};
    JobState state{};
    RouteId route{};
    bool same_content = false;
    bool of_this_load = false;
    std::string file;
    std::int64_t line = 0;
  };

  Result<void> count_load() {
    RB_TRY(load, connection_.integer(loading,
                                     "INSERT INTO meta VALUES ('loads', '1') ON CONFLICT DO UPDATE"
                                     " SET value = value + 1 RETURNING CAST(value AS INTEGER)"));
    load_ = *load;
    return prepare_("SELECT type, model, id FROM routes").rows([&](const Statement& row) {
      routes_[{row.text(0), row.text(1)}] = row.id<RouteId>(2);
    });
  }

  Result<void> step_walk() {
    RB_TRY(row, walk_.next());
    walking_ = *row;
    return {};
  }

  Result<void> store_states() {
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

  Result<RouteId> route_of(const NewJob& job) {
    const std::pair<std::string, std::string> name(job.type, job.model);
    const auto at = routes_.find(name);
    if (at != routes_.end()) return at->second;
    RB_TRY(added, add_route_.run(job.type, job.model));
    const RouteId route{connection_.last_row_id()};
    RB_TRY(counted, ledger_.add_route(route));
    routes_[name] = route;
    return route;
  }

  Result<Existing> read_existing(const NewJob& job) {
    const auto read = [&](const Statement& row) {
      const std::string_view line = row.text_view(3);
      return Existing{.seq = row.id<JobSeq>(0),
                      .state = row.id<JobState>(1),
                      .route = row.id<RouteId>(2),
                      .same_content = line == job.line_json || same_content_(line, job.line_json),
                      .of_this_load = row.integer(4) != 0,
                      .file = row.text(5),
                      .line = row.integer(6)};
    };
    RB_TRY(existing, find_job_.first(read, job.id, load_));
    RB_ASSERT(existing->has_value());
    return std::move(**existing);
  }

  Result<void> update_job(const NewJob& job, const Existing& existing) {
    RB_TRY(route, route_of(job));
    RB_TRY(job_updated, update_job_.run(existing.seq, *file_, job.line, load_, job.line_json,
                                        metadata_at(job), std::ssize(job.metadata_json)));
    RB_TRY(state_updated,
           update_state_.run(existing.seq, *route, job.priority, job.size.input_bytes,
                             job.size.output_max.value_or(0), job.size.images, job.size.raw_body));
    RB_ASSERT(connection_.changes() == 1);
    // The walk may stand on the line that this one took over.
    walk_.stop();
    walking_ = false;
    ledger_.add_jobs(existing.route, existing.state, -1);
    ledger_.add_jobs(*route, JobState::pending, 1);
    if (existing.state == JobState::failed) return results_.forget_failure(existing.seq);
    return {};
  }

  Connection& connection_;
  CounterLedger& ledger_;
  ResultWriter results_;
  SameContent same_content_;
  std::optional<Transaction> transaction_;  // Absent: committed.
  std::map<std::pair<std::string, std::string>, RouteId> routes_;
  std::optional<std::int64_t> file_;
  std::optional<std::int64_t> first_seq_;  // Of the first job that came from it.
  // Of jobs that have no state row yet: see values_of_state.
  std::vector<std::int64_t> new_states_;
  bool walking_ = false;  // walk_ stands on a stored line.
  // The number of this load, which tells a duplicate from a change; 0 before its first file.
  std::int64_t load_ = 0;

  StatementMaker prepare_{connection_, loading};
  Statement find_stamp_ = prepare_("SELECT inode, size, mtime_ns FROM files WHERE path = ?1");
  Statement set_file_ = prepare_(
      "INSERT INTO files (path, inode, size, mtime_ns) VALUES (?1, ?2, ?3, ?4)"
      " ON CONFLICT (path) DO UPDATE SET inode = excluded.inode, size = excluded.size,"
      " mtime_ns = excluded.mtime_ns RETURNING id, first_seq");
  Statement set_first_seq_ = prepare_("UPDATE files SET first_seq = ?2 WHERE id = ?1");
  // Through the lines that were stored before, in order of loading.
  Statement walk_ = prepare_(
      "SELECT line, line_json FROM jobs WHERE seq >= ?1 AND file_id = ?2 AND load < ?3"
      " ORDER BY seq");
  Statement add_route_ = prepare_("INSERT INTO routes (type, model) VALUES (?1, ?2)");
  Statement add_job_ = prepare_(
      "INSERT INTO jobs (id, file_id, line, load, line_json, metadata_at, metadata_bytes)"
      " VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7)"
      " ON CONFLICT (id) DO NOTHING");
  Statement add_state_ = prepare_(add_states_sql(1));
  Statement add_many_states_ = prepare_(add_states_sql(states_at_a_time));
  Statement find_job_ = prepare_(
      "SELECT jobs.seq, states.state, states.route_id, jobs.line_json, jobs.load = ?2,"
      " files.path, jobs.line FROM jobs JOIN states USING (seq)"
      " JOIN files ON files.id = jobs.file_id WHERE jobs.id = ?1");
  Statement update_job_ = prepare_(
      "UPDATE jobs SET file_id = ?2, line = ?3, load = ?4, line_json = ?5, metadata_at = ?6,"
      " metadata_bytes = ?7 WHERE seq = ?1");
  Statement update_state_ = prepare_(
      "UPDATE states SET route_id = ?2, priority = ?3, state = 0, retries_used = 0, unknowns = 0,"
      " rejections = 0, ready_at_ms = NULL, finished_at_ms = NULL, input_bytes = ?4,"
      " output_max = ?5, images = ?6, raw_body = ?7 WHERE seq = ?1 AND state IN (0, 6)");
};

}  // namespace

Result<std::unique_ptr<JobLoader>> SqliteCheckpoint::begin_load(SameContent same_content) {
  auto& database = *parts_->database;
  RB_TRY(transaction, Transaction::begin_write(database.connection));
  return std::make_unique<SqliteJobLoader>(database.connection, database.ledger,
                                           std::move(same_content), std::move(*transaction));
}

}  // namespace ratebatch::store
