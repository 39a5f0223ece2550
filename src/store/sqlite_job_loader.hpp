// The loader over the one writing connection; see job_loader.hpp for what it promises.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ratebatch/store/job_loader.hpp"
#include "store/counter_ledger.hpp"
#include "store/result_writer.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

// State rows are stored so many at a time: one execution of a statement for each costs more than
// the row itself.
constexpr std::size_t states_at_a_time = 64;
constexpr std::size_t values_of_state = 7;

// Adds `rows` states, each with its values.
std::string add_states_sql(std::size_t rows);

class SqliteJobLoader final : public JobLoader {
 public:
  // Both must outlive the loader.
  static Result<std::unique_ptr<JobLoader>> begin(Connection& connection, CounterLedger& ledger,
                                                  SameContent same_content);
  ~SqliteJobLoader() override;

  Result<std::optional<FileStamp>> stamp_of(const std::string& path) override;
  Result<void> begin_file(const FileStamp& stamp) override;
  Result<bool> is_stored(std::int64_t line, std::string_view line_json) override;
  Result<Added> add(const NewJob& job, bool update) override;
  Result<void> commit() override;

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

  SqliteJobLoader(Connection& connection, CounterLedger& ledger, SameContent same_content,
                  Transaction transaction)
      : connection_(connection),
        ledger_(ledger),
        results_(connection, ledger),
        same_content_(std::move(same_content)),
        transaction_(std::move(transaction)) {}
  Result<void> count_load();
  Result<void> step_walk();
  Result<void> store_states();
  Result<RouteId> route_of(const NewJob& job);
  [[nodiscard]] bool is_same(std::string_view stored, std::string_view given) const {
    return stored == given || same_content_(stored, given);
  }
  Result<Existing> read_existing(const NewJob& job);
  Result<void> update_job(const NewJob& job, const Existing& existing);

  Connection& connection_;
  CounterLedger& ledger_;
  ResultWriter results_;
  SameContent same_content_;
  std::optional<Transaction> transaction_;  // Absent: committed.
  std::map<std::pair<std::string, std::string>, RouteId> routes_;
  std::optional<std::int64_t> file_;
  std::optional<std::int64_t> first_seq_;  // Of the first job that came from it.
  std::vector<std::int64_t>
      new_states_;        // Of jobs that have no state row yet: see values_of_state.
  bool walking_ = false;  // walk_ stands on a stored line.
  // The number of this load, which tells a duplicate from a change; 0 before its first file.
  std::int64_t load_ = 0;

  StatementMaker prepare_{connection_, "load jobs"};
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

}  // namespace ratebatch::store
