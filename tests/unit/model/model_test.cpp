#include <doctest/doctest.h>

#include <set>
#include <string>
#include <type_traits>
#include <utility>

#include "ratebatch/model/job.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/model/secret.hpp"

namespace ratebatch::model_test {
namespace {

TEST_CASE("the table of transitions names every legal change once") {
  std::set<std::pair<JobState, JobState>> seen;
  for (const JobTransition& t : job_transitions) {
    CHECK(seen.emplace(t.from, t.to).second);
    CHECK_FALSE(t.cause.empty());
    CHECK(is_legal(t.from, t.to));
  }
  std::size_t legal = 0;
  for (const JobState from : all_job_states) {
    for (const JobState to : all_job_states) legal += is_legal(from, to) ? 1U : 0U;
  }
  CHECK(legal == job_transitions.size());
}

TEST_CASE("a running job never starts again, and done is left only by a redo") {
  CHECK_FALSE(is_legal(JobState::running, JobState::running));
  for (const JobState to : all_job_states) {
    CHECK(is_legal(JobState::done, to) == (to == JobState::pending));
  }
  CHECK(is_startable(JobState::pending));
  CHECK(is_startable(JobState::unknown));
  CHECK_FALSE(is_startable(JobState::held));
  CHECK_FALSE(is_startable(JobState::failed));
}

TEST_CASE("larger priority comes first, equal ones in order of loading") {
  JobRef low;
  low.seq = JobSeq{1};
  JobRef high;
  high.seq = JobSeq{2};
  high.priority = 5;
  CHECK(comes_before(high, low));
  CHECK_FALSE(comes_before(low, high));
  high.priority = 0;
  CHECK(comes_before(low, high));
  CHECK_FALSE(comes_before(low, low));
}

TEST_CASE("states and classes keep the names that are stored and shown") {
  CHECK(to_string(JobState::pending) == "pending");
  CHECK(to_string(JobState::cancelled) == "cancelled");
  CHECK(to_string(OutcomeClass::done) == "done");
  CHECK(to_string(OutcomeClass::unknown) == "unknown");
  CHECK(static_cast<int>(JobState::done) == 5);
}

TEST_CASE("a secret shows its key only when asked, and removes it from foreign text") {
  const Secret key{"sk-canary-1234-5678"};
  CHECK(key.reveal() == "sk-canary-1234-5678");
  CHECK(key.redacted("bad key sk-canary-1234-5678, and sk-canary-1234-5678") ==
        "bad key [key], and [key]");
  CHECK(Secret{}.redacted("text") == "text");
  // Made up for a server that asks for none.
  CHECK(Secret{"0"}.redacted(R"({"embedding":[0.10]})") == R"({"embedding":[0.10]})");
  CHECK(Secret{"ollama"}.redacted("ollama runs here") == "ollama runs here");
  static_assert(!std::is_convertible_v<Secret, std::string>);
}

TEST_CASE("a moved secret leaves nothing behind") {
  Secret from{"short"};
  const Secret to{std::move(from)};
  CHECK(to.reveal() == "short");
  CHECK(from.empty());  // NOLINT(bugprone-use-after-move): that is the fact.
}

}  // namespace
}  // namespace ratebatch::model_test
