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
#include <utility>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/store/counts.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

constexpr const char* counting = "count jobs";

// Reads the stored counters.
Result<Counts> read_counts(Connection& connection);

class CounterLedger {
 public:
  // `stored`: what read_counts read. `connection` must outlive the ledger.
  CounterLedger(const Connection& connection, Counts stored)
      : prepare_{connection, counting}, committed_(std::move(stored)) {}

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

  Result<void> save_route(RouteId route, const RouteChange& change);

  StatementMaker prepare_;
  Counts committed_;
  std::map<RouteId, RouteChange> routes_;
  std::map<std::string, std::int64_t> failures_;
  std::map<std::int64_t, std::int64_t> recipes_;
  CallCounts calls_;

  Statement make_state_ = prepare_("INSERT INTO state_counts VALUES (?1, ?2, 0)");
  Statement make_totals_ = prepare_("INSERT INTO route_totals VALUES (?1, 0, 0, 0, 0)");
  Statement change_state_ =
      prepare_("UPDATE state_counts SET jobs = jobs + ?3 WHERE route_id = ?1 AND state = ?2");
  Statement change_totals_ = prepare_(
      "UPDATE route_totals SET truncated = truncated + ?2, answers = answers + ?3,"
      " input_tokens = min(input_tokens + ?4, 2305843009213693952),"
      " output_tokens = min(output_tokens + ?5, 2305843009213693952)"
      " WHERE route_id = ?1");
  Statement make_failure_ = prepare_("INSERT OR IGNORE INTO failure_counts VALUES (?1, 0)");
  Statement change_failure_ =
      prepare_("UPDATE failure_counts SET jobs = jobs + ?2 WHERE class = ?1");
  Statement change_recipe_ = prepare_("UPDATE recipes SET results = results + ?2 WHERE id = ?1");
  Statement change_calls_ = prepare_(
      "UPDATE call_counts SET sent = sent + ?1, resent = resent + ?2,"
      " rate_limited = rate_limited + ?3,"
      " input_tokens = min(input_tokens + ?4, 2305843009213693952),"
      " output_tokens = min(output_tokens + ?5, 2305843009213693952),"
      " images = min(images + ?6, 2305843009213693952),"
      " cost_pico_usd = min(cost_pico_usd + ?7, 2305843009213693952)");
};

}  // namespace ratebatch::store
