#include "ratebatch/schedule/fetch_queue.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/schedule/retry_policy.hpp"

namespace ratebatch::schedule {
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
    case OutcomeClass::not_found:
      return true;
    case OutcomeClass::done:
    case OutcomeClass::quota_exhausted:
    case OutcomeClass::no_credit:
    case OutcomeClass::refused_key:
    case OutcomeClass::invalid_request:
    case OutcomeClass::too_large:
    case OutcomeClass::content_policy:
    case OutcomeClass::not_accepted:
    case OutcomeClass::unknown:
      return false;
  }
  RB_ASSERT(false);
}

// Nobody was there who could have known of the file.
bool reached_nobody(const FetchOutcome& outcome) {
  return !outcome.answered &&
         (outcome.kind == OutcomeClass::network || outcome.kind == OutcomeClass::timeout);
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
  entry.answered_at = job.answered_at;
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
  if (ended.outcome.no_room || ended.outcome.local) {
    wait(ended.job, entry, now.steady + no_room_wait);
    return std::nullopt;
  }
  const Verdict verdict = judge(now, entry, ended.outcome, rng);
  entry.stage = Stage::storing;
  entry.over = verdict.to != JobState::fetching;
  FetchEnd end;
  end.job = ended.job;
  end.attempt = ended.attempt;
  end.tries = entry.tries;
  end.at = now.wall;
  end.to = verdict.to;
  if (!entry.over) {
    entry.ready = now.steady + verdict.wait;
    end.ready_at = now.wall + verdict.wait;
  }
  end.outcome = std::move(ended.outcome);
  if (end.to == JobState::failed) end.outcome.message += end.outcome.advice;
  return end;
}

// Counts the try, unless it reached nobody.
FetchQueue::Verdict FetchQueue::judge(Now now, Entry& entry, const FetchOutcome& outcome,
                                      Rng& rng) {
  const auto wait_by = [&](const RetryRule& rule, std::int32_t tries) {
    const Duration asked = std::min(outcome.wait.value_or(Duration{}), fetch_wait_max);
    return std::max(asked, quota::backoff(rule, tries, fetch_jitter_per_mille, rng));
  };
  if (reached_nobody(outcome) && now.wall - entry.answered_at < fetch_age_max) {
    return {JobState::fetching, wait_by(fetch_rule, entry.unanswered++)};
  }
  entry.unanswered = 0;
  ++entry.tries;
  if (outcome.kind == OutcomeClass::done) return {JobState::done, {}};
  const bool is_refusal = outcome.kind == OutcomeClass::not_found;
  if (is_refusal) ++entry.refusals;
  const bool is_final = !may_pass(outcome.kind) || entry.tries > fetch_rule.retries ||
                        entry.refusals > refused_fetch_rule.retries;
  if (is_final) return {JobState::failed, {}};
  return {JobState::fetching, is_refusal ? wait_by(refused_fetch_rule, entry.refusals - 1)
                                         : wait_by(fetch_rule, entry.tries - 1)};
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

bool FetchQueue::is_worth_waiting(Instant now, bool patient) const {
  return std::any_of(jobs_.begin(), jobs_.end(), [&](const auto& job) {
    const Entry& entry = job.second;
    return entry.stage != Stage::waiting || entry.ready - now <= fetch_pause_max ||
           (patient && entry.unanswered <= fetch_rule.retries);
  });
}

std::optional<Instant> FetchQueue::next_ready() const {
  if (under_way_ >= under_way_max_ || waiting_.empty()) return std::nullopt;
  return waiting_.begin()->first;
}

}  // namespace ratebatch::schedule
