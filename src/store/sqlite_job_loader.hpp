// The loader over the one writing connection; see job_loader.hpp for what it promises.
#pragma once

#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>

#include "ratebatch/store/job_loader.hpp"
#include "store/counter_ledger.hpp"
#include "store/sqlite.hpp"

namespace ratebatch {

class SqliteJobLoader final : public JobLoader {
 public:
  // Both must outlive the loader.
  static Result<std::unique_ptr<JobLoader>> begin(Connection& connection, CounterLedger& ledger);
  ~SqliteJobLoader() override;

  Result<std::optional<FileStamp>> stamp_of(const std::string& path) override;
  Result<void> begin_file(const FileStamp& stamp) override;
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

  SqliteJobLoader(Connection& connection, CounterLedger& ledger, Transaction transaction)
      : connection_(connection), ledger_(ledger), transaction_(std::move(transaction)) {}
  Result<void> prepare();
  Result<void> count_load();
  Result<RouteId> route_of(const NewJob& job);
  Result<Existing> read_existing(const NewJob& job);
  Result<void> update_job(const NewJob& job, const Existing& existing);
  Result<void> forget_failure(const Existing& existing);

  Connection& connection_;
  CounterLedger& ledger_;
  std::optional<Transaction> transaction_;  // Absent: committed.
  std::map<std::pair<std::string, std::string>, RouteId> routes_;
  std::optional<std::int64_t> file_;
  std::int64_t load_ = 0;  // The number of this load; tells a duplicate from a change.

  Statement find_stamp_;
  Statement set_file_;
  Statement add_route_;
  Statement add_job_;
  Statement add_state_;
  Statement find_job_;
  Statement update_job_;
  Statement update_state_;
  Statement find_failure_;
  Statement drop_failure_;
  Statement keep_answer_;
};

}  // namespace ratebatch
