#include "store/counter_ledger.hpp"

#include <algorithm>

#include "ratebatch/base/integers.hpp"

namespace ratebatch::store {
namespace {

// Counters of what answers used stop here instead of overflowing: no real ones come near it. The
// statements of the ledger name it too.
constexpr std::int64_t counter_max = std::int64_t{1} << 61U;
static_assert(counter_max == 2'305'843'009'213'693'952);

// Precondition: both are at least 0.
std::int64_t added(std::int64_t count, std::int64_t more) {
  return std::min(clamped_sum(count, more), counter_max);
}

void add_used(CallCounts& calls, const Usage& usage, std::int64_t cost_pico_usd) {
  calls.input_tokens = added(calls.input_tokens, usage.input_tokens);
  calls.output_tokens = added(calls.output_tokens, usage.output_tokens);
  calls.images = added(calls.images, usage.images);
  calls.cost_pico_usd = added(calls.cost_pico_usd, cost_pico_usd);
}

}  // namespace

Result<Counts> read_counts(Connection& connection) {
  Counts counts;
  const auto take_state = [&](const Statement& row) {
    JobCounts& jobs = counts.routes[row.id<RouteId>(0)];
    jobs.by_state[static_cast<std::size_t>(row.integer(1))] = row.integer(2);
  };
  const auto take_truncated = [&](const Statement& row) {
    counts.routes[row.id<RouteId>(0)].truncated = row.integer(1);
  };
  const auto take_calls = [&](const Statement& row) {
    counts.calls = {row.integer(0), row.integer(1), row.integer(2), row.integer(3),
                    row.integer(4), row.integer(5), row.integer(6)};
  };
  RB_TRY(states,
         connection.rows(counting, "SELECT route_id, state, jobs FROM state_counts", take_state));
  RB_TRY(totals,
         connection.rows(counting, "SELECT route_id, truncated FROM route_totals", take_truncated));
  RB_TRY(calls, connection.rows(counting,
                                "SELECT sent, resent, rate_limited, input_tokens, output_tokens,"
                                " images, cost_pico_usd FROM call_counts",
                                take_calls));
  return counts;
}

Result<void> CounterLedger::add_route(RouteId route) {
  for (const JobState state : all_job_states) {
    RB_TRY(made, make_state_.run(route, state));
  }
  RB_TRY(made, make_totals_.run(route));
  routes_[route];
  return {};
}

void CounterLedger::add_jobs(RouteId route, JobState state, std::int64_t jobs) {
  routes_[route].jobs.by_state[static_cast<std::size_t>(state)] += jobs;
}

void CounterLedger::move_jobs(RouteId route, JobState from, JobState to, std::int64_t jobs) {
  add_jobs(route, from, -jobs);
  add_jobs(route, to, jobs);
}

void CounterLedger::add_truncated(RouteId route, std::int64_t jobs) {
  routes_[route].jobs.truncated += jobs;
}

void CounterLedger::add_answer(RouteId route, const Usage& usage) {
  RouteChange& change = routes_[route];
  change.answers += 1;
  change.usage.input_tokens = added(change.usage.input_tokens, usage.input_tokens);
  change.usage.output_tokens = added(change.usage.output_tokens, usage.output_tokens);
}

void CounterLedger::add_call_usage(const Usage& usage, std::int64_t cost_pico_usd) {
  add_used(calls_, usage, cost_pico_usd);
}

void CounterLedger::add_failures(std::string_view outcome_class, std::int64_t jobs) {
  failures_[std::string{outcome_class}] += jobs;
}

void CounterLedger::add_recipe_results(std::int64_t recipe, std::int64_t results) {
  recipes_[recipe] += results;
}

Result<void> CounterLedger::save() {
  for (const auto& [route, change] : routes_) {
    RB_TRY(saved, save_route(route, change));
  }
  for (const auto& [name, jobs] : failures_) {
    if (jobs == 0) continue;
    RB_TRY(made, make_failure_.run(name));
    RB_TRY(changed, change_failure_.run(name, jobs));
  }
  for (const auto& [recipe, results] : recipes_) {
    if (results == 0) continue;
    RB_TRY(saved, change_recipe_.run(recipe, results));
  }
  if (calls_ == CallCounts{}) return {};
  return change_calls_.run(calls_.sent, calls_.resent, calls_.rate_limited, calls_.input_tokens,
                           calls_.output_tokens, calls_.images, calls_.cost_pico_usd);
}

Result<void> CounterLedger::save_route(RouteId route, const RouteChange& change) {
  for (const JobState state : all_job_states) {
    const std::int64_t jobs = change.jobs.of(state);
    if (jobs == 0) continue;
    RB_TRY(saved, change_state_.run(route, state, jobs));
  }
  if (change.jobs.truncated == 0 && change.answers == 0) return {};
  return change_totals_.run(route, change.jobs.truncated, change.answers, change.usage.input_tokens,
                            change.usage.output_tokens);
}

void CounterLedger::accept() {
  for (const auto& [route, change] : routes_) {
    committed_.routes[route] += change.jobs;
  }
  CallCounts& calls = committed_.calls;
  calls.sent += calls_.sent;
  calls.resent += calls_.resent;
  calls.rate_limited += calls_.rate_limited;
  add_used(calls,
           {.input_tokens = calls_.input_tokens,
            .output_tokens = calls_.output_tokens,
            .images = calls_.images},
           calls_.cost_pico_usd);
  discard();
}

void CounterLedger::discard() {
  routes_.clear();
  failures_.clear();
  recipes_.clear();
  calls_ = {};
}

}  // namespace ratebatch::store
