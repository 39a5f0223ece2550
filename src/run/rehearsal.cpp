#include "ratebatch/run/rehearsal.hpp"

#include <algorithm>
#include <variant>

#include "ratebatch/base/assert.hpp"
#include "run/rehearsed_jobs.hpp"

namespace ratebatch::run {
namespace {

// A sleeping client looks at its clocks at least so often, as the driver does.
constexpr Duration clock_look = std::chrono::seconds{1};

// So many turns at one instant in which nothing happens mean that time stands still.
constexpr std::int32_t idle_turns_max = 1000;

}  // namespace

Rehearsal::Rehearsal(const Lanes& lanes, std::vector<JobClass> jobs, RehearsalOptions options,
                     RehearsalWorld& world, RehearsalObserver* observer)
    : lanes_(lanes),
      options_(std::move(options)),
      world_(world),
      observer_(observer),
      rng_(options_.seed),
      now_(options_.start.steady),
      jobs_(std::make_unique<RehearsedJobs>(jobs)) {
  for (const StoredState& state : options_.stored) {
    states_[{state.scope, state.item}] = state.value;
  }
}

Rehearsal::~Rehearsal() = default;

Now Rehearsal::true_now() const {
  return {now_, options_.start.wall + (now_ - options_.start.steady)};
}

Now Rehearsal::now() const { return {now_, true_now().wall + wall_offset_}; }

const RehearsalCounts& Rehearsal::counts() const { return jobs_->counts(); }

std::vector<StoredState> Rehearsal::stored() const {
  std::vector<StoredState> stored;
  for (const auto& [at, value] : states_) stored.push_back({at.first, at.second, value});
  return stored;
}

std::optional<Snapshot> Rehearsal::snapshot() const {
  return scheduler_ ? std::optional{scheduler_->snapshot(now())} : std::nullopt;
}

RehearsalEnd Rehearsal::run(std::optional<Instant> until) {
  if (!scheduler_) begin_life();
  while (true) {
    if (!commit_ && (!inbox_.empty() || (wake_ && now_ >= *wake_))) {
      if (work()) return RehearsalEnd::finished;
      set_wake();
      if (idle_turns_ > idle_turns_max) return RehearsalEnd::stuck;
    }
    std::optional<Instant> next = wake_;
    if (commit_) next = commit_->done_at;
    if (!messages_.empty()) {
      const Instant at = messages_.begin()->first.first;
      next = next ? std::min(*next, at) : at;
    }
    if (!next) return RehearsalEnd::stuck;
    if (until && *next > *until) {
      now_ = std::max(now_, *until);
      return RehearsalEnd::reached;
    }
    if (*next > now_) idle_turns_ = 0;
    pass_until(*next);
    if (commit_ && now_ >= commit_->done_at) finish_commit();
  }
}

void Rehearsal::pass_until(Instant until) {
  while (!messages_.empty() && messages_.begin()->first.first <= until) {
    deliver(messages_.extract(messages_.begin()));
  }
  now_ = std::max(now_, until);
}

void Rehearsal::deliver(Messages::node_type message) {
  now_ = std::max(now_, message.key().first);
  const action::Send& send = message.mapped().send;
  std::optional<Outcome>& outcome = message.mapped().outcome;
  if (outcome) {
    if (message.mapped().life == life_ && scheduler_) {
      inbox_.push_back({send.job, send.attempt, std::move(*outcome)});
    }
    return;
  }
  RehearsalWorld::Reply reply = world_.arrive(true_now(), send);
  outcome = std::move(reply.outcome);
  message.key() = {now_ + std::max(reply.after, Duration{}), ++last_message_};
  messages_.insert(std::move(message));
}

void Rehearsal::begin_life() {
  ++life_;
  scheduler_ = std::make_unique<schedule::Scheduler>(lanes_, options_.scheduler, Rng{rng_.next()},
                                                     now(), stored());
  wake_ = now_;
  idle_turns_ = 0;
}

// One turn of the driver. Returns whether the run is finished.
bool Rehearsal::work() {
  ++idle_turns_;
  wake_.reset();
  for (; !inbox_.empty(); inbox_.pop_front()) {
    idle_turns_ = 0;
    scheduler_->handle(now(), std::move(inbox_.front()));
  }
  while (!commit_) {
    auto action = scheduler_->poll(now());
    if (!action) return false;
    std::visit([&](auto& a) { execute(a); }, *action);
    if (!scheduler_) return true;
  }
  return false;
}

void Rehearsal::execute(const action::LoadJobs& load) {
  auto page = jobs_->page(load.route, load.after, load.count);
  const bool exhausted = page.size() < load.count;
  scheduler_->handle(now(), event::JobsLoaded{load.route, std::move(page), exhausted});
}

void Rehearsal::execute(action::CommitBatch& commit) {
  const Duration takes = std::max(world_.commit_takes(true_now()), Duration{});
  commit_ = Commit{std::move(commit.batch), now_ + takes};
  if (takes == Duration{}) finish_commit();
}

void Rehearsal::finish_commit() {
  const Commit done = std::move(*commit_);
  commit_.reset();
  store(done.batch);
  scheduler_->handle(now(), event::Committed{done.batch.id});
  wake_ = now_;
}

void Rehearsal::store(const Batch& batch) {
  jobs_->apply(batch);
  for (const StoredState& state : batch.states) {
    if (state.value.empty()) {
      states_.erase({state.scope, state.item});
    } else {
      states_[{state.scope, state.item}] = state.value;
    }
  }
  if (observer_ != nullptr) observer_->committed(now(), batch);
}

void Rehearsal::execute(const action::Send& send) {
  const Instant at = now_ + std::max(world_.way_there(true_now(), send), Duration{});
  messages_.try_emplace({at, ++last_message_}, Message{send, life_, std::nullopt});
}

void Rehearsal::execute(const action::Cancel& cancel) {
  Outcome outcome;
  outcome.message = "given up while it was under way";
  scheduler_->handle(now(), event::AttemptEnded{cancel.job, cancel.attempt, std::move(outcome)});
}

// Rehearsed answers announce no files.
void Rehearsal::execute(const action::Fetch& /*fetch*/) { RB_ASSERT(false); }
void Rehearsal::execute(const action::CancelFetch& /*cancel*/) { RB_ASSERT(false); }

void Rehearsal::execute(const action::Finished& finished) {
  finish_ = finished;
  scheduler_.reset();
  inbox_.clear();
  jobs_->client_died();
}

void Rehearsal::set_wake() {
  if (!commit_) wake_ = scheduler_->wake_at();
}

void Rehearsal::kill() {
  RB_ASSERT(scheduler_ != nullptr);
  if (commit_ && rng_.chance(500)) store(commit_->batch);
  commit_.reset();
  scheduler_.reset();
  inbox_.clear();
  wake_.reset();
  jobs_->client_died();
}

void Rehearsal::sleep_until(Instant until) {
  RB_ASSERT(scheduler_ == nullptr);
  pass_until(until);
}

void Rehearsal::stop(Duration grace) {
  RB_ASSERT(scheduler_ != nullptr);
  scheduler_->handle(now(), event::StopRequested{grace});
  wake_ = now_;
}

void Rehearsal::step_wall(Duration by) {
  wall_offset_ += by;
  if (!scheduler_) return;
  const Instant look = now_ + clock_look;
  wake_ = wake_ ? std::min(*wake_, look) : look;
}

}  // namespace ratebatch::run
