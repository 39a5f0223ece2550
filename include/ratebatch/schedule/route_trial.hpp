// The first finished jobs of a route: where all of them fail alike, something is wrong with all
// jobs, and not with each: a typo in the model's name, an address that redirects, a rule that no
// answer can keep. So it is where the first jobs of a run cannot even be made into requests, though
// the route worked before: a template was changed, a folder of files is gone.
#pragma once

#include <cstdint>
#include <vector>

#include "ratebatch/model/job.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::schedule {

// So many first jobs that end in the same 3xx or 4xx, whose answers are all refused, or that could
// not be sent, stop the lane.
constexpr std::size_t trial_jobs = 10;

class RouteTrial {
 public:
  // `proven`: a job of the route was done before.
  explicit RouteTrial(bool proven) : over_(proven) {}

  // A job was done, or failed for good, with this outcome. True where it is the last of the first
  // jobs and all of them failed alike. `others_under_way`: other jobs of the route were
  // started and have not ended, which can be the first ones all the same: what cannot be sent ends
  // at once.
  bool finished(JobSeq job, const Outcome& outcome, bool others_under_way) {
    if (is_unsendable(outcome)) {
      if (!answered_) unsent_.push_back(job);
      return is_unsent_row() && !others_under_way;
    }
    if (over_) return false;
    const bool fatal = (outcome.sent && outcome.http_status >= 300 && outcome.http_status < 500) ||
                       outcome.kind == OutcomeClass::not_accepted;
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

  // The server answered a job of this run, whatever it said: jobs can be made into requests.
  void answered() {
    answered_ = true;
    unsent_.clear();
  }

  // Whether a job could not be made into a request, by no fault of a server or of the network.
  static bool is_unsendable(const Outcome& outcome) {
    return !outcome.sent && outcome.kind == OutcomeClass::invalid_request;
  }

  // Whether this outcome is like those that stopped the route.
  [[nodiscard]] bool is_alike(const Outcome& outcome) const {
    if (is_unsendable(outcome)) return is_unsent_row();
    return failed_.size() >= trial_jobs && outcome.kind == kind_ && outcome.http_status == status_;
  }

  // The jobs that failed alike, the last one included.
  [[nodiscard]] const std::vector<JobSeq>& failed() const {
    return is_unsent_row() ? unsent_ : failed_;
  }

 private:
  [[nodiscard]] bool is_unsent_row() const { return unsent_.size() >= trial_jobs; }

  bool over_;
  OutcomeClass kind_ = OutcomeClass::unknown;
  std::int32_t status_ = 0;
  std::vector<JobSeq> failed_;
  bool answered_ = false;
  std::vector<JobSeq> unsent_;  // Until the first answer.
};

}  // namespace ratebatch::schedule
