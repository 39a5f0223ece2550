// The first finished jobs of a route: where all of them fail alike, something is wrong with all
// jobs, such as a typo in the model's name or an address that redirects, and not with each. The
// same holds, at any time, for jobs in a row that cannot even be made into requests: a template was
// changed, a folder of files is gone.
#pragma once

#include <cstdint>
#include <vector>

#include "ratebatch/model/job.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch {

// So many first jobs that end in the same 3xx or 4xx stop the lane, and so many in a row that could
// not be sent.
constexpr std::size_t trial_jobs = 10;

class RouteTrial {
 public:
  // `proven`: a job of the route was done before.
  explicit RouteTrial(bool proven) : over_(proven) {}

  // A job was done, or failed for good, with this outcome. True where it is the last of the first
  // jobs and all of them failed alike, or the last of a row that could not be sent.
  bool finished(JobSeq job, const Outcome& outcome) {
    if (is_unsendable(outcome)) {
      unsent_.push_back(job);
      return unsent_.size() >= trial_jobs;
    }
    if (over_) return false;
    const bool fatal = outcome.sent && outcome.http_status >= 300 && outcome.http_status < 500;
    const bool alike = failed_.empty() || (outcome.kind == kind_ && outcome.http_status == status_);
    if (outcome.kind == OutcomeClass::done || !fatal || !alike) {
      over_ = true;
      failed_.clear();
      return false;
    }
    kind_ = outcome.kind;
    status_ = outcome.http_status;
    failed_.push_back(job);
    return failed_.size() >= trial_jobs;
  }

  // The server answered a job, whatever it said: jobs of the route can be made into requests.
  void answered() { unsent_.clear(); }

  // Whether a job could not be made into a request, by no fault of a server or of the network.
  static bool is_unsendable(const Outcome& outcome) {
    return !outcome.sent && outcome.kind == OutcomeClass::invalid_request;
  }

  // Whether this outcome is like those that stopped the route.
  [[nodiscard]] bool is_alike(const Outcome& outcome) const {
    if (is_unsendable(outcome)) return unsent_.size() >= trial_jobs;
    return failed_.size() >= trial_jobs && outcome.kind == kind_ && outcome.http_status == status_;
  }

  // The jobs that failed alike, the last one included.
  [[nodiscard]] const std::vector<JobSeq>& failed() const {
    return unsent_.size() >= trial_jobs ? unsent_ : failed_;
  }

 private:
  bool over_;
  OutcomeClass kind_ = OutcomeClass::unknown;
  std::int32_t status_ = 0;
  std::vector<JobSeq> failed_;
  std::vector<JobSeq> unsent_;  // In a row, without an answer in between.
};

}  // namespace ratebatch
