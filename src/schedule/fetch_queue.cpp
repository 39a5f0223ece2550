#include "ratebatch/schedule/fetch_queue.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/schedule/retry_policy.hpp"

namespace ratebatch {
namespace {

// Whether another try may bring the file.
bool may_pass(OutcomeClass kind) {
  switch (kind) {
    case OutcomeClass::rate_limited:
    case OutcomeClass::server_error:
    case OutcomeClass::overloaded:
    case OutcomeClass::timeout:
    case OutcomeClass::network:
    case OutcomeClass::bad_reply:
      return true;
    case OutcomeClass::done:
    case OutcomeClass::quota_exhausted:
    case OutcomeClass::no_credit:
    case OutcomeClass::refused_key:
    case OutcomeClass::invalid_request:
    case OutcomeClass::too_large:
    case OutcomeClass::content_policy:
    case OutcomeClass::not_found:
    case OutcomeClass::not_accepted:
    case OutcomeClass::unknown:
      return false;
  }
  RB_ASSERT(false);
}

}  // namespace

FetchQueue::FetchQueue(std::size_t under_way_max) : under_way_max_(under_way_max) {
  RB_ASSERT(under_way_max > 0);
}

void FetchQueue::add(const FetchingJob& job, std::optional<LaneId> lane, Instant ready) {
  Entry entry;
  entry.attempt = job.attempt;
  entry.lane = lane;
  entry.tries = job.tries;
  const auto [place, is_new] = jobs_.emplace(job.seq, entry);
  RB_ASSERT(is_new);
  if (lane) ++by_lane_[*lane];
  wait(job.seq, place->second, ready);
}

void FetchQueue::wait(JobSeq job, Entry& entry, Instant ready) {
  entry.stage = Stage::waiting;
  entry.ready = ready;
  waiting_.emplace(ready, job);
}

std::optional<action::Fetch> FetchQueue::take(Instant now) {
  if (under_way_ >= under_way_max_ || waiting_.empty() || waiting_.begin()->first > now) {
    return std::nullopt;
  }
  const JobSeq job = waiting_.begin()->second;
  waiting_.erase(waiting_.begin());
  Entry& entry = jobs_.at(job);
  entry.stage = Stage::under_way;
  ++under_way_;
  return action::Fetch{job, entry.attempt};
}

std::optional<FetchEnd> FetchQueue::ended(Now now, event::FetchEnded& ended, Rng& rng) {
  const auto found = jobs_.find(ended.job);
  if (found == jobs_.end() || found->second.stage != Stage::under_way) return std::nullopt;
  Entry& entry = found->second;
  RB_ASSERT(entry.attempt == ended.attempt);
  --under_way_;
  if (ended.outcome.no_room) {
    wait(ended.job, entry, now.steady + no_room_wait);
    return std::nullopt;
  }
  ++entry.tries;
  entry.stage = Stage::storing;
  entry.over = true;
  FetchEnd end;
  end.job = ended.job;
  end.attempt = ended.attempt;
  end.tries = entry.tries;
  end.at = now.wall;
  const OutcomeClass kind = ended.outcome.kind;
  if (kind == OutcomeClass::done) {
    end.to = JobState::done;
  } else if (!may_pass(kind) || entry.tries > fetch_rule.retries) {
    end.to = JobState::failed;
  } else {
    entry.over = false;
    const Duration asked = std::min(ended.outcome.wait.value_or(Duration{}), fetch_wait_max);
    const Duration own = backoff(fetch_rule, entry.tries - 1, fetch_jitter_per_mille, rng);
    const Duration wait = std::max(own, asked);
    entry.ready = now.steady + wait;
    end.ready_at = now.wall + wait;
  }
  end.outcome = std::move(ended.outcome);
  return end;
}

void FetchQueue::stored(JobSeq job) {
  const auto found = jobs_.find(job);
  RB_ASSERT(found != jobs_.end() && found->second.stage == Stage::storing);
  if (found->second.over) {
    erase(found);
  } else {
    wait(job, found->second, found->second.ready);
  }
}

void FetchQueue::erase(std::map<JobSeq, Entry>::iterator entry) {
  if (const auto lane = entry->second.lane) --by_lane_[*lane];
  jobs_.erase(entry);
}

std::vector<action::CancelFetch> FetchQueue::cancel_all() {
  std::vector<action::CancelFetch> cancels;
  for (auto entry = jobs_.begin(); entry != jobs_.end();) {
    const auto next = std::next(entry);
    if (entry->second.stage == Stage::under_way) {
      cancels.push_back({entry->first});
      erase(entry);
    }
    entry = next;
  }
  under_way_ = 0;
  return cancels;
}

std::size_t FetchQueue::jobs_of(LaneId lane) const {
  const auto found = by_lane_.find(lane);
  return found == by_lane_.end() ? 0 : found->second;
}

std::optional<Instant> FetchQueue::next_ready() const {
  if (under_way_ >= under_way_max_ || waiting_.empty()) return std::nullopt;
  return waiting_.begin()->first;
}

}  // namespace ratebatch
