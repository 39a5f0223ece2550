// The waiting jobs of one lane, in order of priority and sequence, without holding all of them: a
// page per route, plus those that came back.
//
// A job is in the page of its route, among the ready ones that came back, or among the delayed
// ones. The best job is known only while every route shows its next one, so that no job starts
// while one of higher priority lies unread.
#pragma once

#include <deque>
#include <optional>
#include <set>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/protocol.hpp"

namespace ratebatch::schedule {

// Jobs per page: enough that reading one costs little per job, small enough to forget.
constexpr std::size_t page_jobs = 256;

// While so many jobs of a lane wait for their retry, it starts no unread ones: this bounds memory.
constexpr std::size_t delayed_jobs_max = 1024;

// A stored retry time further ahead than this comes from a clock that was set back.
constexpr Duration stored_delay_max = std::chrono::hours{1};

class JobQueue {
 public:
  explicit JobQueue(const std::vector<RouteId>& routes);

  // The page this queue needs before it can name its best job; nullopt if it needs none, or if the
  // pages it asked for are under way. Marks it as under way.
  std::optional<action::LoadJobs> take_load();

  // Takes the page it asked for. Precondition: the route is its own and a page was under way.
  void loaded(Now now, const event::JobsLoaded& page);

  // From now on only jobs that this run has started before are offered: the others are forgotten
  // here, and read again by the next run.
  void close();

  // Puts a job back: to start again at `ready` at the earliest.
  void put_back(const JobRef& job, Instant ready);

  // A retry that this job has used, if it waits here, is not counted.
  void give_back_retry(JobSeq job);

  // The best job that may start now; nullptr if there is none, or a page is missing.
  [[nodiscard]] const JobRef* head(Instant now);

  // Removes and returns the best job. Precondition: head(now) is not nullptr.
  JobRef take_head(Instant now);

  // When the next delayed job becomes ready.
  [[nodiscard]] std::optional<Instant> next_ready() const;

  // No job is here, and none is left to load.
  [[nodiscard]] bool drained() const;

  [[nodiscard]] std::size_t delayed_count() const { return delayed_.size(); }

 private:
  struct Route {
    RouteId id{};
    std::deque<JobRef> page;
    std::optional<JobCursor> cursor;
    bool loading = false;
    bool exhausted = false;
  };
  struct Order {
    bool operator()(const JobRef& a, const JobRef& b) const { return comes_before(a, b); }
  };
  struct Delayed {
    Instant ready;
    JobRef job;
  };
  struct DelayOrder {
    bool operator()(const Delayed& a, const Delayed& b) const {
      return a.ready != b.ready ? a.ready < b.ready : comes_before(a.job, b.job);
    }
  };

  [[nodiscard]] Route* best_route();

  std::vector<Route> routes_;
  std::set<JobRef, Order> returned_;
  std::set<Delayed, DelayOrder> delayed_;
  bool closed_ = false;
};

}  // namespace ratebatch::schedule
