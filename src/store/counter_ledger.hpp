// The counters of the database, in memory and on disk.
//
// Changes are collected while a transaction is open, written into it by `save` with one statement
// per changed row, and become part of `counts` by `accept` once the commit succeeded; `discard`
// drops them where it did not.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/store/counts.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

// Reads the stored counters.
Result<Counts> read_counts(Connection& connection);

class CounterLedger {
 public:
  // `connection` must outlive the ledger.
  static Result<CounterLedger> load(Connection& connection);

  // What is committed.
  [[nodiscard]] const Counts& counts() const { return committed_; }

  // A new route, whose rows are made at once.
  Result<void> add_route(RouteId route);

  // `jobs` jobs of a route entered (or, negative, left) a state.
  void add_jobs(RouteId route, JobState state, std::int64_t jobs);
  void move_jobs(RouteId route, JobState from, JobState to, std::int64_t jobs = 1);
  void add_truncated(RouteId route, std::int64_t jobs);
  void add_answer(RouteId route, const Usage& usage);
  void add_failures(std::string_view outcome_class, std::int64_t jobs);
  void add_recipe_results(std::int64_t recipe, std::int64_t results);
  // What the end of an attempt used. The sums of it stop at 2^61.
  void add_call_usage(const Usage& usage, std::int64_t cost_pico_usd);
  // Its other counts, to be added to.
  CallCounts& calls() { return calls_; }

  // Writes the collected changes into the open transaction.
  Result<void> save();
  void accept();
  void discard();

 private:
  struct RouteChange {
    JobCounts jobs;
    std::int64_t answers = 0;
    Usage usage;
  };

  CounterLedger() = default;
  Result<void> save_route(RouteId route, const RouteChange& change);

  Counts committed_;
  std::map<RouteId, RouteChange> routes_;
  std::map<std::string, std::int64_t, std::less<>> failures_;
  std::map<std::int64_t, std::int64_t> recipes_;
  CallCounts calls_;

  Statement make_state_;
  Statement make_totals_;
  Statement change_state_;
  Statement change_totals_;
  Statement make_failure_;
  Statement change_failure_;
  Statement change_recipe_;
  Statement change_calls_;
};

}  // namespace ratebatch::store
