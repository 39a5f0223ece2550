#include <algorithm>
#include <utility>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/schedule/scheduler.hpp"

namespace ratebatch::schedule {

void Scheduler::start_jobs(Now now) {
  std::vector<bool> left_out(lanes_.size(), false);
  while (has_free_worker()) {
    const auto candidate = pick(now, left_out);
    if (!candidate) return;
    if (!try_start(now, *candidate)) {
      // Where its jobs may go elsewhere, that is tried once the lane itself has refused.
      left_out[index_of(candidate->lane)] =
          candidate->falls_back || lanes_[index_of(candidate->lane)].fallback_job(now) == nullptr;
      continue;
    }
    if (!slice_full()) continue;
    for (Lane& each : lanes_) each.queue().close();
  }
}

bool Scheduler::try_start(Now now, const Candidate& candidate) {
  if (candidate.falls_back) return try_fallbacks(now, candidate.lane);
  Lane& lane = lanes_[index_of(candidate.lane)];
  const JobRef* job = lane.startable(now);
  RB_ASSERT(job != nullptr);
  const auto answer = quota_.reserve(now, candidate.lane, job->route, job->size);
  if (const auto* reservation = std::get_if<quota::Reservation>(&answer)) {
    start_job(now, candidate.lane, candidate.lane, *reservation, "");
    return true;
  }
  const quota::Refusal& refusal = std::get<quota::Refusal>(answer);
  if (refusal.cause == quota::Refusal::Cause::never_fits) {
    start_job(now, candidate.lane, candidate.lane, std::nullopt, refusal.limit);
    return true;
  }
  lane.block(refusal);
  return false;
}

bool Scheduler::try_fallbacks(Now now, LaneId home) {
  const JobRef* job = lanes_[index_of(home)].fallback_job(now);
  RB_ASSERT(job != nullptr);
  std::optional<Instant> earliest;
  for (const LaneId target : lanes_[index_of(home)].settings().fallbacks) {
    Lane& lane = lanes_[index_of(target)];
    if (!lane.takes_others(now)) {
      if (!lane.stopped()) earliest = earlier(earliest, lane.breaker().probe_at());
      continue;
    }
    if (fetches_.is_full(target)) continue;
    const auto answer = quota_.reserve(now, target, job->route, job->size);
    if (const auto* reservation = std::get_if<quota::Reservation>(&answer)) {
      start_job(now, home, target, *reservation, "");
      return true;
    }
    earliest = earlier(earliest, std::get<quota::Refusal>(answer).earliest);
  }
  lanes_[index_of(home)].note_fallback(earliest);
  return false;
}

// A worker whose outcome is known starts its next job with the commit of that outcome.
bool Scheduler::has_free_worker() const {
  return in_flight_.size() - batch_.ends.size() < static_cast<std::size_t>(options_.workers);
}

bool Scheduler::slice_full() const {
  return options_.jobs_max && jobs_started_ >= *options_.jobs_max;
}

// The lane whose best job is best of all; but one with nothing in flight goes first while another
// holds more than one slot, so that slow jobs never hold all workers.
std::optional<Scheduler::Candidate> Scheduler::pick(Now now, const std::vector<bool>& left_out) {
  const bool crowded = std::any_of(lanes_.begin(), lanes_.end(),
                                   [](const Lane& lane) { return lane.in_flight() > 1; });
  std::optional<Candidate> best;
  const JobRef* best_job = nullptr;
  bool best_starved = false;
  for (std::size_t i = 0; i < lanes_.size(); ++i) {
    if (left_out[i] || fetches_.is_full(LaneId{static_cast<std::int32_t>(i)})) continue;
    const JobRef* job = lanes_[i].startable(now);
    const bool falls_back = job == nullptr;
    if (falls_back) job = lanes_[i].fallback_job(now);
    if (job == nullptr) continue;
    const bool starved = crowded && !falls_back && lanes_[i].in_flight() == 0;
    const bool better = best_job == nullptr || (starved && !best_starved) ||
                        (starved == best_starved && comes_before(*job, *best_job));
    if (!better) continue;
    best = Candidate{LaneId{static_cast<std::int32_t>(i)}, falls_back};
    best_job = job;
    best_starved = starved;
  }
  return best;
}

void Scheduler::start_job(Now now, LaneId home, LaneId lane,
                          std::optional<quota::Reservation> reservation, std::string never_fits) {
  InFlight flight;
  flight.job = lanes_[index_of(home)].take_job(now);
  flight.lane = lane;
  flight.home = home;
  flight.reservation = reservation;
  flight.never_fits = std::move(never_fits);
  flight.started_at = now.steady;
  flight.is_probe = lanes_[index_of(lane)].start(reservation.has_value());
  AttemptStart start;
  start.job = flight.job.seq;
  start.from = flight.job.state;
  start.attempt = next(flight.job.attempts);
  start.lane = lane;
  start.key = reservation ? reservation->key : quota_.any_key(lane);
  start.at = now.wall;
  RB_ASSERT(is_legal(start.from, JobState::running));
  flight.job.state = JobState::running;
  flight.job.attempts = start.attempt;
  flight.job.ready_at.reset();
  if (!std::exchange(flight.job.of_run, true)) ++jobs_started_;
  RB_ASSERT(in_flight_.emplace(start.job, std::move(flight)).second);
  batch_.starts.push_back(start);
}

}  // namespace ratebatch::schedule
