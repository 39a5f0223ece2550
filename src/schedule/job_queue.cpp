#include "ratebatch/schedule/job_queue.hpp"

#include <algorithm>
#include <cstdint>
#include <utility>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::schedule {

JobQueue::JobQueue(const std::vector<RouteId>& routes) {
  for (const RouteId id : routes) routes_.emplace_back().id = id;
}

std::optional<action::LoadJobs> JobQueue::take_load() {
  if (delayed_.size() >= delayed_jobs_max) return std::nullopt;
  for (Route& route : routes_) {
    if (!route.page.empty() || route.loading || route.exhausted) continue;
    route.loading = true;
    return action::LoadJobs{route.id, route.cursor, page_jobs};
  }
  return std::nullopt;
}

void JobQueue::loaded(Now now, const event::JobsLoaded& page) {
  const auto route = std::find_if(routes_.begin(), routes_.end(),
                                  [&](const Route& r) { return r.id == page.route; });
  RB_ASSERT(route != routes_.end() && route->loading);
  RB_ASSERT(!page.jobs.empty() || page.exhausted);
  route->loading = false;
  route->exhausted = page.exhausted || closed_;
  if (closed_) return;
  for (const JobRef& job : page.jobs) {
    RB_ASSERT(is_startable(job.state));
    route->cursor = JobCursor{job.priority, job.seq};
    const Duration delay = job.ready_at ? *job.ready_at - now.wall : Duration{};
    if (delay <= Duration{}) {
      route->page.push_back(job);
    } else {
      put_back(job, now.steady + std::min(delay, stored_delay_max));
    }
  }
}

void JobQueue::close() {
  closed_ = true;
  for (Route& route : routes_) {
    route.page.clear();
    route.exhausted = !route.loading;
  }
  std::erase_if(returned_, [](const JobRef& job) { return !job.of_run; });
  std::erase_if(delayed_, [](const Delayed& delayed) { return !delayed.job.of_run; });
}

void JobQueue::put_back(const JobRef& job, Instant ready) {
  RB_ASSERT(delayed_.insert({ready, job}).second);
}

void JobQueue::give_back_retry(JobSeq job) {
  const auto give_back = [job](auto& waiting, auto job_of) {
    const auto at = std::find_if(waiting.begin(), waiting.end(),
                                 [&](const auto& entry) { return job_of(entry).seq == job; });
    if (at == waiting.end()) return;
    auto node = waiting.extract(at);
    std::int32_t& used = job_of(node.value()).retries_used;
    used = std::max(0, used - 1);
    waiting.insert(std::move(node));
  };
  give_back(delayed_, [](auto& delayed) -> auto& { return delayed.job; });
  give_back(returned_, [](auto& returned) -> auto& { return returned; });
}

// The route whose next job is best; nullptr if none has one.
JobQueue::Route* JobQueue::best_route() {
  Route* best = nullptr;
  for (Route& route : routes_) {
    if (route.page.empty()) continue;
    if (best == nullptr || comes_before(route.page.front(), best->page.front())) best = &route;
  }
  return best;
}

const JobRef* JobQueue::head(Instant now) {
  while (!delayed_.empty() && delayed_.begin()->ready <= now) {
    returned_.insert(delayed_.begin()->job);
    delayed_.erase(delayed_.begin());
  }
  const bool full_of_delayed = delayed_.size() >= delayed_jobs_max;
  const bool page_missing = std::any_of(routes_.begin(), routes_.end(), [](const Route& route) {
    return route.page.empty() && !route.exhausted;
  });
  if (page_missing && !full_of_delayed) return nullptr;
  const JobRef* best = returned_.empty() ? nullptr : &*returned_.begin();
  if (full_of_delayed) return best;
  const Route* route = best_route();
  if (route == nullptr) return best;
  return best != nullptr && comes_before(*best, route->page.front()) ? best : &route->page.front();
}

JobRef JobQueue::take_head(Instant now) {
  const JobRef* best = head(now);
  RB_ASSERT(best != nullptr);
  const JobRef job = *best;
  if (returned_.erase(job) == 0) best_route()->page.pop_front();
  return job;
}

std::optional<Instant> JobQueue::next_ready() const {
  if (delayed_.empty()) return std::nullopt;
  return delayed_.begin()->ready;
}

bool JobQueue::drained() const {
  return returned_.empty() && delayed_.empty() &&
         std::all_of(routes_.begin(), routes_.end(),
                     [](const Route& route) { return route.page.empty() && route.exhausted; });
}

}  // namespace ratebatch::schedule
