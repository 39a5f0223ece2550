// The jobs of a rehearsal as a checkpoint would hold them: classes of equal jobs nobody has touched
// are a count, only those under way have a record of their own.
#pragma once

#include <algorithm>
#include <cstdint>
#include <map>
#include <numeric>
#include <optional>
#include <vector>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/run/rehearsal.hpp"

namespace ratebatch::run {

class RehearsedJobs {
 public:
  explicit RehearsedJobs(const std::vector<JobClass>& classes) {
    std::int64_t first = 1;
    for (const JobClass& jobs : classes) {
      RB_ASSERT(jobs.count >= 0);
      classes_.push_back({jobs, first, 0});
      first += jobs.count;
      counts_.total += jobs.count;
    }
    order_.resize(classes_.size());
    std::iota(order_.begin(), order_.end(), std::size_t{0});
    std::stable_sort(order_.begin(), order_.end(), [&](std::size_t a, std::size_t b) {
      return classes_[a].jobs.priority > classes_[b].jobs.priority;
    });
  }

  // The next jobs of a route that may be started, in the order of comes_before; fewer than `count`
  // where no more are left.
  [[nodiscard]] std::vector<JobRef> page(RouteId route, const std::optional<JobCursor>& after,
                                         std::size_t count) const {
    std::vector<JobRef> jobs;
    for (const std::size_t i : order_) {
      const Class& of = classes_[i];
      if (of.jobs.route != route || jobs.size() >= count) continue;
      std::int64_t offset = of.touched;
      if (after && after->priority < of.jobs.priority) continue;
      if (after && after->priority == of.jobs.priority) {
        offset = std::max(offset, static_cast<std::int64_t>(after->seq) - of.first + 1);
      }
      for (; offset < of.jobs.count && jobs.size() < count; ++offset) {
        jobs.push_back(untouched(of, offset));
      }
    }
    for (const auto& [seq, record] : under_way_) {
      if (record.ref.route != route || !is_startable(record.ref.state)) continue;
      if (lies_after(record.ref, after)) jobs.push_back(record.ref);
    }
    std::sort(jobs.begin(), jobs.end(), comes_before);
    if (jobs.size() > count) jobs.resize(count);
    return jobs;
  }

  void apply(const Batch& batch) {
    for (const AttemptEnd& end : batch.ends) apply(end);
    for (const JobSeq seq : batch.reopened) reopen(seq);
    for (const AttemptStart& start : batch.starts) apply(start);
  }

  // What was running is unknown now, or held if that happened too often.
  void client_died() {
    for (auto job = under_way_.begin(); job != under_way_.end();) {
      Record& record = job->second;
      if (record.ref.state != JobState::running) {
        ++job;
        continue;
      }
      record.ref.state = JobState::unknown;
      if (++record.unknown_times <= unknown_times_max) {
        ++job;
        continue;
      }
      ++counts_.held;
      job = under_way_.erase(job);
    }
  }

  [[nodiscard]] const RehearsalCounts& counts() const { return counts_; }

 private:
  struct Class {
    JobClass jobs;
    std::int64_t first = 0;
    std::int64_t touched = 0;  // So many of them, from the first, have been started or recorded.
  };
  struct Record {
    JobRef ref;
    std::int32_t unknown_times = 0;
  };

  static bool lies_after(const JobRef& job, const std::optional<JobCursor>& cursor) {
    if (!cursor) return true;
    return job.priority != cursor->priority ? job.priority < cursor->priority
                                            : job.seq > cursor->seq;
  }

  [[nodiscard]] static JobRef untouched(const Class& of, std::int64_t offset) {
    JobRef ref;
    ref.seq = JobSeq{of.first + offset};
    ref.route = of.jobs.route;
    ref.priority = of.jobs.priority;
    ref.size = of.jobs.size;
    return ref;
  }

  Record& record(JobSeq seq) {
    const auto found = under_way_.find(seq);
    if (found != under_way_.end()) return found->second;
    const auto number = static_cast<std::int64_t>(seq);
    auto of = std::find_if(classes_.begin(), classes_.end(), [&](const Class& each) {
      return number >= each.first && number < each.first + each.jobs.count;
    });
    RB_ASSERT(of != classes_.end() && number - of->first >= of->touched);
    for (; of->touched <= number - of->first; ++of->touched) {
      const JobRef ref = untouched(*of, of->touched);
      under_way_.emplace(ref.seq, Record{ref, 0});
    }
    return under_way_.at(seq);
  }

  void apply(const AttemptEnd& end) {
    Record& job = record(end.job);
    job.ref.state = end.to;
    job.ref.attempts = end.attempt;
    job.ref.retries_used = end.retries_used;
    job.ref.ready_at = end.ready_at;
    switch (end.to) {
      case JobState::pending:
      case JobState::unknown:
        return;
      case JobState::done:
        ++counts_.done;
        break;
      case JobState::failed:
        ++counts_.failed;
        failed_.emplace(end.job, job);
        break;
      case JobState::held:
        ++counts_.held;
        break;
      case JobState::running:
      case JobState::fetching:
      case JobState::cancelled:
        RB_ASSERT(false);
    }
    under_way_.erase(end.job);
  }

  void apply(const AttemptStart& start) {
    Record& job = record(start.job);
    RB_ASSERT(job.ref.state == start.from && start.attempt == next(job.ref.attempts));
    job.ref.state = JobState::running;
    job.ref.attempts = start.attempt;
    job.ref.ready_at.reset();
    ++counts_.starts;
    if (start.from == JobState::unknown) ++counts_.resent;
  }

  void reopen(JobSeq seq) {
    auto node = failed_.extract(seq);
    RB_ASSERT(!node.empty());
    --counts_.failed;
    node.mapped().ref.state = JobState::pending;
    node.mapped().ref.retries_used = 0;
    under_way_.insert(std::move(node));
  }

  std::vector<Class> classes_;          // By first.
  std::vector<std::size_t> order_;      // Of classes: larger priority first, then as given.
  std::map<JobSeq, Record> under_way_;  // Touched and not settled.
  std::map<JobSeq, Record> failed_;
  RehearsalCounts counts_;
};

}  // namespace ratebatch::run
