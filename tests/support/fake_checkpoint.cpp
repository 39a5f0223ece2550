#include "support/fake_checkpoint.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {
namespace {

std::int64_t& count_of(FakeCheckpointData& data, const FakeJob& job, JobState state) {
  return data.counts.routes[job.route].by_state[static_cast<std::size_t>(state)];
}

}  // namespace

JobSeq FakeCheckpointData::add(const store::NewJob& job) {
  FakeJob added;
  added.seq = JobSeq{static_cast<std::int64_t>(jobs.size()) + 1};
  added.id = job.id;
  added.line_json = job.line_json;
  added.priority = job.priority;
  added.size = job.size;
  const auto route = std::find_if(routes.begin(), routes.end(), [&](const store::StoredRoute& r) {
    return r.type == job.type && r.model == job.model;
  });
  if (route == routes.end()) {
    added.route = RouteId{static_cast<std::int64_t>(routes.size()) + 1};
    routes.push_back({added.route, job.type, job.model});
  } else {
    added.route = route->id;
  }
  ++count_of(*this, added, JobState::pending);
  startable[added.route].insert({added.priority, added.seq});
  jobs.push_back(std::move(added));
  return jobs.back().seq;
}

FakeJob& FakeCheckpointData::at(JobSeq seq) {
  const auto place = static_cast<std::size_t>(seq) - 1;
  RB_ASSERT(place < jobs.size());
  return jobs[place];
}

Result<store::RunBegun> FakeCheckpoint::begin_run(const store::RunStart& start) {
  RB_ASSERT(!run_);
  store::RunBegun begun;
  const bool hold = start.on_unknown == UnknownPolicy::hold;
  for (FakeJob& job : data_.jobs) {
    const JobState before = job.state;
    if (before != JobState::running && before != JobState::unknown) continue;
    if (before == JobState::running) {
      ++begun.found_unknown;
      ++job.unknowns;
      job.ended.push_back({job.attempts, job.started_at, start.at, OutcomeClass::unknown});
    }
    const bool held = hold || job.unknowns >= unknown_times_max;
    const JobState to = held ? JobState::held : JobState::unknown;
    if (to != before) move(job, to);
  }
  for (const FakeJob& job : data_.jobs) {
    if (job.state != JobState::fetching) continue;
    begun.fetches.push_back({job.seq, job.route, job.attempts, job.fetch_tries, job.fetch_at,
                             job.ended.back().ended_at});
  }
  for (const auto& [name, value] : data_.states) {
    begun.states.push_back({name.first, name.second, value});
  }
  data_.lanes.clear();
  for (const LaneSettings& lane : start.lanes.lanes) data_.lanes[lane.model] = {};
  data_.runs.push_back(start);
  run_ = start;
  return begun;
}

Result<std::vector<JobRef>> FakeCheckpoint::load_page(RouteId route, std::optional<JobCursor> after,
                                                      std::size_t count) {
  RB_ASSERT(run_.has_value());
  const std::set<FakeCheckpointData::Place>& places = data_.startable[route];
  auto place = after ? places.upper_bound({after->priority, after->seq}) : places.begin();
  std::vector<JobRef> jobs;
  for (; place != places.end() && jobs.size() < count; ++place) {
    const FakeJob& job = data_.at(place->seq);
    jobs.push_back({job.seq, job.route, job.priority, job.state, job.attempts, job.retries_used,
                    job.ready_at, job.size, false, job.rejections});
  }
  return jobs;
}

Result<store::StoredJob> FakeCheckpoint::job(JobSeq seq) {
  const FakeJob& job = data_.at(seq);
  return store::StoredJob{job.id, job.line_json, "-"};
}

Result<store::StoredFetch> FakeCheckpoint::fetch(JobSeq seq) {
  const FakeJob& job = data_.at(seq);
  RB_ASSERT(job.state == JobState::fetching);
  const Answer& answer = *job.answer->outcome.answer;
  return store::StoredFetch{job.id, answer.links, answer.files.size()};
}

Result<void> FakeCheckpoint::commit(const Batch& batch) {
  RB_ASSERT(run_.has_value());
  ++commits_;
  if (full_commits_.erase(commits_) > 0) return fail(ErrorCode::disk_full, "no room (fake)");
  for (const AttemptEnd& end : batch.ends) end_attempt(end);
  for (const FetchEnd& end : batch.fetches) end_fetch(end);
  for (const JobSeq seq : batch.reopened) reopen(data_.at(seq));
  for (const AttemptStart& start : batch.starts) start_attempt(start);
  for (const StoredState& state : batch.states) {
    if (state.value.empty()) data_.states.erase({state.scope, state.item});
    if (!state.value.empty()) data_.states[{state.scope, state.item}] = state.value;
  }
  for (const LaneChange& change : batch.lanes) {
    RB_ASSERT(index_of(change.lane) < run_->lanes.lanes.size());
    data_.lanes[run_->lanes.lanes[index_of(change.lane)].model] = change.status;
  }
  return {};
}

void FakeCheckpoint::reopen(FakeJob& job) {
  if (job.state != JobState::failed) return;
  job.retries_used = 0;
  job.rejections = 0;
  move(job, JobState::pending);
}

void FakeCheckpoint::end_attempt(const AttemptEnd& end) {
  RB_ASSERT(is_legal(JobState::running, end.to));
  RB_ASSERT(end.to != JobState::done || end.outcome.answer.has_value());
  RB_ASSERT(!end.ready_at || end.to == JobState::pending);
  FakeJob& job = data_.at(end.job);
  if (job.state == JobState::running && job.attempts == end.attempt) {
    settle(job, end);
    return;
  }
  const bool stored = std::any_of(job.ended.begin(), job.ended.end(), [&](const FakeAttempt& a) {
    return a.number == end.attempt && a.kind == end.outcome.kind && a.ended_at == end.at;
  });
  RB_ASSERT(stored);
}

void FakeCheckpoint::settle(FakeJob& job, const AttemptEnd& end) {
  const Outcome& outcome = end.outcome;
  job.ended.push_back({end.attempt, job.started_at, end.at, outcome.kind});
  job.retries_used = end.retries_used;
  job.rejections = end.rejections;
  job.ready_at = end.ready_at;
  if (end.to == JobState::unknown || end.to == JobState::held) ++job.unknowns;
  if (end.to == JobState::done) store_answer(job, *outcome.answer);
  if (end.to == JobState::fetching) {
    RB_ASSERT(!outcome.answer->links.empty());
    job.answer = end;
    job.fetch_tries = 0;
    job.fetch_at.reset();
  }
  move(job, end.to);

  store::CallCounts& calls = data_.counts.calls;
  calls.input_tokens += outcome.usage.input_tokens;
  calls.output_tokens += outcome.usage.output_tokens;
  calls.images += outcome.usage.images;
  calls.cost_pico_usd += end.cost_pico_usd;
  if (outcome.kind == OutcomeClass::rate_limited || outcome.kind == OutcomeClass::quota_exhausted) {
    ++calls.rate_limited;
  }
}

void FakeCheckpoint::store_answer(FakeJob& job, const Answer& answer) {
  ++job.results;
  job.text = answer.text;
  job.files = answer.files;
  job.truncated = answer.truncated;
  if (job.truncated) ++data_.counts.routes[job.route].truncated;
}

void FakeCheckpoint::end_fetch(const FetchEnd& end) {
  RB_ASSERT(end.to == JobState::fetching || is_legal(JobState::fetching, end.to));
  RB_ASSERT((end.to == JobState::fetching) == end.ready_at.has_value());
  RB_ASSERT((end.to == JobState::done) == (end.outcome.kind == OutcomeClass::done));
  FakeJob& job = data_.at(end.job);
  RB_ASSERT(job.attempts == end.attempt);
  if (job.state != JobState::fetching) {
    RB_ASSERT(job.state == end.to && job.finished_at == end.at);
    return;
  }
  // One that reached nobody is not counted.
  RB_ASSERT(end.tries == job.fetch_tries || end.tries == job.fetch_tries + 1);
  job.fetch_tries = end.tries;
  job.fetch_at = end.ready_at;
  if (end.to == JobState::fetching) return;
  if (end.to == JobState::done) {
    Answer answer = std::move(*job.answer->outcome.answer);
    answer.files.insert(answer.files.end(), end.outcome.files.begin(), end.outcome.files.end());
    store_answer(job, answer);
  } else {
    job.ended.back().kind = end.outcome.kind;
  }
  job.answer.reset();
  job.finished_at = end.at;
  move(job, end.to);
}

void FakeCheckpoint::start_attempt(const AttemptStart& start) {
  RB_ASSERT(is_startable(start.from));
  RB_ASSERT(index_of(start.lane) < run_->lanes.lanes.size());
  RB_ASSERT(index_of(start.key) < run_->lanes.keys.size());
  FakeJob& job = data_.at(start.job);
  if (job.state != start.from || next(job.attempts) != start.attempt) {
    const bool runs = job.state == JobState::running && job.attempts == start.attempt &&
                      job.started_at == start.at;
    const bool ended = std::any_of(job.ended.begin(), job.ended.end(), [&](const FakeAttempt& a) {
      return a.number == start.attempt && a.started_at == start.at;
    });
    RB_ASSERT(runs || ended);
    return;
  }
  job.attempts = start.attempt;
  job.started_at = start.at;
  job.ready_at.reset();
  ++data_.counts.calls.sent;
  if (start.from == JobState::unknown) ++data_.counts.calls.resent;
  move(job, JobState::running);
}

Result<void> FakeCheckpoint::end_run(const store::RunEnd& end) {
  RB_ASSERT(run_.has_value());
  data_.run_ends.push_back(end);
  return {};
}

void FakeCheckpoint::move(FakeJob& job, JobState to) {
  RB_ASSERT(is_legal(job.state, to));
  --count_of(data_, job, job.state);
  ++count_of(data_, job, to);
  const FakeCheckpointData::Place place{job.priority, job.seq};
  if (is_startable(job.state)) data_.startable[job.route].erase(place);
  job.state = to;
  if (is_startable(to)) data_.startable[job.route].insert(place);
}

}  // namespace ratebatch
