// The jobs of a rehearsal as a checkpoint would hold them: classes of equal jobs nobody has touched
// are a count, only those under way have a record of their own.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <vector>

#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/run/rehearsal.hpp"

namespace ratebatch::run {

class RehearsedJobs {
 public:
  explicit RehearsedJobs(const std::vector<JobClass>& classes);

  // The next jobs of a route that may be started, in the order of comes_before; fewer than `count`
  // where no more are left.
  [[nodiscard]] std::vector<JobRef> page(RouteId route, const std::optional<JobCursor>& after,
                                         std::size_t count) const;

  void apply(const Batch& batch);

  // What was running is unknown now, or held if that happened too often.
  void client_died();

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

  Record& record(JobSeq seq);
  [[nodiscard]] JobRef untouched(const Class& of, std::int64_t offset) const;
  void apply(const AttemptEnd& end);
  void apply(const AttemptStart& start);
  void reopen(JobSeq seq);

  std::vector<Class> classes_;          // By first.
  std::vector<std::size_t> order_;      // Of classes: larger priority first, then as given.
  std::map<JobSeq, Record> under_way_;  // Touched and not settled.
  std::map<JobSeq, Record> failed_;
  RehearsalCounts counts_;
};

}  // namespace ratebatch::run
