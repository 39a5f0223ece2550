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
#include "store/sqlite.hpp"

namespace ratebatch::store {

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
        same_content_(std::move(same_content)),
        transaction_(std::move(transaction)) {}
  Result<void> prepare();
  Result<void> count_load();
  Result<void> step_walk();
  Result<void> store_states();
  Result<RouteId> route_of(const NewJob& job);
  [[nodiscard]] bool is_same(std::string_view stored, std::string_view given) const {
    return stored == given || same_content_(stored, given);
  }
  Result<Existing> read_existing(const NewJob& job);
  Result<void> update_job(const NewJob& job, const Existing& existing);
  Result<void> forget_failure(const Existing& existing);

  Connection& connection_;
  CounterLedger& ledger_;
  SameContent same_content_;
  std::optional<Transaction> transaction_;  // Absent: committed.
  std::map<std::pair<std::string, std::string>, RouteId> routes_;
  std::optional<std::int64_t> file_;
  std::optional<std::int64_t> first_seq_;  // Of the first job that came from it.
  std::vector<std::int64_t> new_states_;   // Of jobs that have no state row yet: three values each.
  bool walking_ = false;                   // walk_ stands on a stored line.
  // The number of this load, which tells a duplicate from a change; 0 before its first file.
  std::int64_t load_ = 0;

  Statement find_stamp_;
  Statement set_file_;
  Statement set_first_seq_;
  Statement walk_;  // Through the lines that were stored before, in order of loading.
  Statement add_route_;
  Statement add_job_;
  Statement add_state_;
  Statement add_many_states_;
  Statement find_job_;
  Statement update_job_;
  Statement update_state_;
  Statement find_failure_;
  Statement drop_failure_;
  Statement keep_answer_;
};

}  // namespace ratebatch::store
