#include "ratebatch/schedule/route_trial.hpp"

#include <doctest/doctest.h>

namespace ratebatch::route_trial_test {

using namespace schedule;

namespace {

Outcome failure(std::int32_t status, OutcomeClass kind = OutcomeClass::not_found,
                bool sent = true) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.http_status = status;
  outcome.sent = sent;
  return outcome;
}

const Outcome unsent = failure(0, OutcomeClass::invalid_request, false);

TEST_CASE("the tenth equal failure of the first jobs says so, once") {
  RouteTrial trial{false};
  for (std::int64_t i = 1; i <= 9; ++i) CHECK_FALSE(trial.finished(JobSeq{i}, failure(404), false));
  CHECK_FALSE(trial.is_alike(failure(404)));
  CHECK(trial.finished(JobSeq{10}, failure(404), false));
  CHECK(trial.failed().size() == trial_jobs);
  CHECK(trial.is_alike(failure(404)));
  CHECK_FALSE(trial.is_alike(failure(400)));
  CHECK_FALSE(trial.is_alike(failure(404, OutcomeClass::invalid_request)));
}

TEST_CASE("3xx and 4xx count, what is below and above does not") {
  struct Row {
    std::int32_t status;
    bool stops;
  };
  constexpr Row rows[] = {{299, false}, {300, true}, {302, true}, {399, true},
                          {400, true},  {499, true}, {500, false}};
  for (const Row& row : rows) {
    CAPTURE(row.status);
    RouteTrial trial{false};
    bool stopped = false;
    for (std::int64_t i = 1; i <= 10; ++i) {
      stopped =
          trial.finished(JobSeq{i}, failure(row.status, OutcomeClass::invalid_request), false);
    }
    CHECK(stopped == row.stops);
  }
}

TEST_CASE("the first ten jobs of a run that cannot be made into requests stop any route") {
  for (const bool proven : {false, true}) {
    CAPTURE(proven);
    RouteTrial trial{proven};
    for (std::int64_t i = 1; i <= 9; ++i) CHECK_FALSE(trial.finished(JobSeq{i}, unsent, false));
    CHECK_FALSE(trial.is_alike(unsent));
    CHECK(trial.finished(JobSeq{10}, unsent, false));
    CHECK(trial.is_alike(unsent));
    CHECK_FALSE(trial.is_alike(failure(400, OutcomeClass::invalid_request)));
    REQUIRE(trial.failed().size() == trial_jobs);
    CHECK(trial.failed().front() == JobSeq{1});
  }
}

TEST_CASE("jobs that cannot be made into requests fail alone beside one that can") {
  RouteTrial trial{false};
  // The sendable one is under way for as long as the others come to an end.
  for (std::int64_t i = 1; i <= 30; ++i) CHECK_FALSE(trial.finished(JobSeq{i}, unsent, true));
  SUBCASE("it is answered") {
    trial.answered();
    for (std::int64_t i = 31; i <= 60; ++i) CHECK_FALSE(trial.finished(JobSeq{i}, unsent, false));
    CHECK(trial.failed().empty());
  }
  SUBCASE("it reaches nobody") {
    CHECK(trial.finished(JobSeq{31}, unsent, false));
    CHECK(trial.failed().size() == 31);
  }
}

TEST_CASE("a rule that refuses the first ten answers stops the route") {
  RouteTrial trial{false};
  const Outcome refused = failure(200, OutcomeClass::not_accepted);
  for (std::int64_t i = 1; i <= 9; ++i) CHECK_FALSE(trial.finished(JobSeq{i}, refused, false));
  CHECK(trial.finished(JobSeq{10}, refused, false));
}

TEST_CASE("a job that was never sent says nothing about a route on trial") {
  RouteTrial trial{false};
  for (std::int64_t i = 1; i <= 9; ++i) {
    CHECK_FALSE(trial.finished(JobSeq{i}, failure(404), false));
    trial.answered();
    CHECK_FALSE(trial.finished(JobSeq{100 + i}, unsent, false));
  }
  CHECK(trial.finished(JobSeq{10}, failure(404), false));
  CHECK(trial.failed().size() == trial_jobs);
  CHECK(trial.failed().front() == JobSeq{1});
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
        CHECK_FALSE(trial.finished(JobSeq{i}, i == place ? other : failure(404), false));
      }
      CHECK(trial.failed().empty());
    }
  }
}

TEST_CASE("a route that was proven before has no trial") {
  RouteTrial trial{true};
  for (std::int64_t i = 1; i <= 30; ++i)
    CHECK_FALSE(trial.finished(JobSeq{i}, failure(404), false));
  CHECK_FALSE(trial.is_alike(failure(404)));
}

}  // namespace
}  // namespace ratebatch::route_trial_test
