#include "ratebatch/schedule/route_trial.hpp"

#include <doctest/doctest.h>

namespace ratebatch {
namespace {

Outcome failure(std::int32_t status, OutcomeClass kind = OutcomeClass::not_found,
                bool sent = true) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.http_status = status;
  outcome.sent = sent;
  return outcome;
}

TEST_CASE("the tenth equal failure of the first jobs says so, once") {
  RouteTrial trial{false};
  for (std::int64_t i = 1; i <= 9; ++i) CHECK_FALSE(trial.finished(JobSeq{i}, failure(404)));
  CHECK_FALSE(trial.is_alike(failure(404)));
  CHECK(trial.finished(JobSeq{10}, failure(404)));
  CHECK(trial.failed().size() == trial_jobs);
  CHECK(trial.is_alike(failure(404)));
  CHECK_FALSE(trial.is_alike(failure(400)));
  CHECK_FALSE(trial.is_alike(failure(404, OutcomeClass::invalid_request)));
}

TEST_CASE("anything else among the first jobs ends the trial for good") {
  Outcome done;
  done.kind = OutcomeClass::done;
  done.http_status = 200;
  const Outcome others[] = {done,
                            failure(400),
                            failure(404, OutcomeClass::invalid_request),
                            failure(404, OutcomeClass::too_large, false),
                            failure(500, OutcomeClass::server_error),
                            failure(0, OutcomeClass::network)};
  for (const Outcome& other : others) {
    CAPTURE(other.http_status);
    for (std::int64_t place = 2; place <= 10; ++place) {
      RouteTrial trial{false};
      for (std::int64_t i = 1; i <= 30; ++i) {
        CHECK_FALSE(trial.finished(JobSeq{i}, i == place ? other : failure(404)));
      }
      CHECK(trial.failed().empty());
    }
  }
}

TEST_CASE("a route that was proven before has no trial") {
  RouteTrial trial{true};
  for (std::int64_t i = 1; i <= 30; ++i) CHECK_FALSE(trial.finished(JobSeq{i}, failure(404)));
  CHECK_FALSE(trial.is_alike(failure(404)));
}

}  // namespace
}  // namespace ratebatch
