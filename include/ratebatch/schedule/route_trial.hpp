// The first finished jobs of a route: where all of them fail alike, something is wrong with all
// jobs, such as a typo in the model's name, and not with each.
#pragma once

#include <cstdint>
#include <vector>

#include "ratebatch/model/job.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch {

// So many first jobs that end in the same 4xx stop the lane.
constexpr std::size_t trial_jobs = 10;

class RouteTrial {
 public:
  // `proven`: a job of the route was done before.
  explicit RouteTrial(bool proven) : over_(proven) {}

  // A job was done, or failed for good, with this outcome. True where it is the last of the first
  // jobs and all of them failed alike.
  bool finished(JobSeq job, const Outcome& outcome) {
    if (over_) return false;
    const bool fatal = outcome.sent && outcome.http_status >= 400 && outcome.http_status < 500;
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

  // Whether this outcome is like those that stopped the route.
  [[nodiscard]] bool is_alike(const Outcome& outcome) const {
    return failed_.size() >= trial_jobs && outcome.kind == kind_ && outcome.http_status == status_;
  }

  // The jobs that failed alike, the last one included.
  [[nodiscard]] const std::vector<JobSeq>& failed() const { return failed_; }

 private:
  bool over_;
  OutcomeClass kind_ = OutcomeClass::unknown;
  std::int32_t status_ = 0;
  std::vector<JobSeq> failed_;
};

}  // namespace ratebatch
