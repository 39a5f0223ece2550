#include "ratebatch/run/driver.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <deque>
#include <map>
#include <utility>
#include <vector>

#include "ratebatch/base/assert.hpp"
#include "run/exchange.hpp"
#include "run/fetcher.hpp"

namespace ratebatch::run {
namespace {

// The longest the loop sleeps: a signal or a jump of the wall clock is noticed by then.
constexpr Duration wait_max = std::chrono::seconds{1};

// How long a run that must end waits for the answers in flight: as a person's stop would.
constexpr Duration failure_grace = std::chrono::seconds{30};

// What to do about files that cannot be put in their place, beside the cause.
constexpr const char* while_unkept =
    "; its answer is paid: the run starts no more, and tries for 30 s to keep it; make the assets "
    "folder writable";
constexpr const char* when_lost =
    "; its answer was paid and is lost: put the assets folder right, then `ratebatch retry "
    "--unknown` pays for it again";

// What must be known of a request until its answer is handed on.
struct Sent {
  JobSeq job{};
  AttemptNumber attempt{};
  std::string id;
  AskedBy by;
};

// A link to this machine, which only a sandbox announces, at another port.
std::string moved_to(const std::string& origin, const std::string& link) {
  constexpr std::string_view loopback = "http://127.0.0.1:";
  const std::size_t path = link.find('/', loopback.size());
  if (!link.starts_with(loopback) || path == std::string::npos) return link;
  return origin + link.substr(path);
}

// What a job comes to that could not be made into a request. What a disk fails to give now it may
// give later.
Outcome unsent(const Error& error) {
  Outcome outcome;
  outcome.local = error.code == ErrorCode::io;
  outcome.kind = outcome.local ? OutcomeClass::network : OutcomeClass::invalid_request;
  outcome.sent = false;
  outcome.message = error.message;
  return outcome;
}

class Driver {
 public:
  Driver(const Catalog& catalog, const DriverPorts& ports, const DriverOptions& options,
         const store::RunBegun& begun)
      : catalog_(catalog),
        ports_(ports),
        options_(options),
        now_(ports.clock.now()),
        scheduler_(catalog.lanes, options.scheduler, Rng{options.seed}, now_, begun.states,
                   begun.fetches),
        requests_(catalog),
        fetcher_(ports.transport, ports.files),
        last_look_(catalog.lanes.lanes.size()) {}

  Result<action::Finished> run() {
    while (true) {
      now_ = ports_.clock.now();
      take_in();
      while (auto action = scheduler_.poll(now_)) {
        if (const auto* finished = std::get_if<action::Finished>(&*action)) {
          if (failure_) return tl::unexpected<Error>(*failure_);
          return *finished;
        }
        std::visit([&](auto& a) { execute(a); }, *action);
        if (checkpoint_failure_) return tl::unexpected<Error>(*checkpoint_failure_);
      }
      const Snapshot snapshot = scheduler_.snapshot(now_);
      tell_usage(snapshot);
      const Duration redraw = ports_.observer.turned(now_, snapshot, ports_.checkpoint.counts());
      ports_.transport.wait(std::min({redraw, until_wake(), wait_max}));
    }
  }

 private:
  // An answer whose files found no room, or no place: it keeps its worker until they do.
  struct Unsaved {
    Sent sent;
    Outcome outcome;
    Error cause;
    Instant retry_at;
  };

  // When a lane's limits were last looked at, and its requests since then.
  struct LastLook {
    std::int32_t requests = 0;
    std::optional<Instant> at;
    LaneState state = LaneState::idle;
  };

  void take_in() {
    while (const auto stop = ports_.interrupts.take()) scheduler_.handle(now_, *stop);
    std::vector<Unsaved> due;
    std::swap(due, unsaved_);
    for (Unsaved& unsaved : due) {
      if (unsaved.retry_at > now_.steady) {
        unsaved_.push_back(std::move(unsaved));
      } else {
        save(unsaved.sent, std::move(unsaved.outcome));
      }
    }
    for (net::FinishedTransfer& finished : ports_.transport.finished()) {
      if (fetcher_.owns(finished.id)) {
        fetched(finished);
        continue;
      }
      // One that was given up may have ended just before: its outcome is decided.
      if (sent_.contains(finished.id)) arrived_.push_back(std::move(finished));
    }
    // Where very many are here, a disk is slower than they come: then a quarter of them.
    std::size_t count = std::max(options_.answers_per_turn_max, arrived_.size() / 4);
    for (; count > 0 && !arrived_.empty(); --count) {
      ended(arrived_.front());
      arrived_.pop_front();
    }
  }

  void ended(net::FinishedTransfer& finished) {
    const auto found = sent_.find(finished.id);
    RB_ASSERT(found != sent_.end());
    const Sent sent = std::move(found->second);
    sent_.erase(found);
    Outcome outcome = read_answer(catalog_, sent.by, finished.result);
    if (const auto* reply = std::get_if<HttpReply>(&finished.result)) {
      remove_unused(ports_.files, *reply, outcome.answer ? outcome.answer->assets : no_assets_);
    }
    save(sent, std::move(outcome));
  }

  void fetched(net::FinishedTransfer& finished) {
    auto over = fetcher_.ended(finished, incoming(), next_transfer());
    if (!over) return;
    if (over->outcome.no_room) warn_no_room(over->outcome.message);
    if (over->outcome.local) fail_softly({ErrorCode::io, over->outcome.message});
    scheduler_.handle(now_, std::move(*over));
  }

  // Writes the files of an answer, if any, and hands the outcome on.
  void save(const Sent& sent, Outcome outcome) {
    if (outcome.answer && !outcome.answer->assets.empty()) {
      auto names = ports_.files.keep(sent.id, 0, outcome.answer->assets);
      if (!names) {
        if (names.error().code == ErrorCode::disk_full) {
          warn_no_room(names.error().message);
        } else if (!failure_) {
          ports_.observer.warned(now_, names.error().message + while_unkept);
          fail_softly(names.error());
        }
        unsaved_.push_back(
            {sent, std::move(outcome), names.error(), now_.steady + schedule::no_room_wait});
        return;
      }
      outcome.answer->files = std::move(*names);
      outcome.answer->assets.clear();
    }
    scheduler_.handle(now_, event::AttemptEnded{sent.job, sent.attempt, std::move(outcome)});
  }

  // Where parts of replies go; without it they stay in memory, for what comes is paid.
  std::string incoming() {
    auto folder = ports_.files.incoming();
    if (folder) return std::move(*folder);
    if (!std::exchange(said_no_incoming_, true)) {
      ports_.observer.warned(
          now_, folder.error().message + "; until then files of answers are kept in memory");
    }
    return {};
  }

  net::TransferId next_transfer() { return net::TransferId{++last_transfer_}; }

  // Something failed for good, but commits may still work: what is in flight is awaited, so that
  // its answers are stored; then the run ends with this error.
  void fail_softly(const Error& error) {
    if (failure_) return;
    failure_ = error;
    scheduler_.handle(now_, event::StopRequested{failure_grace});
  }

  void execute(const action::LoadJobs& load) {
    auto jobs = ports_.checkpoint.load_page(load.route, load.after, load.count);
    if (!jobs) {
      fail_softly(jobs.error());
      jobs.emplace();
    }
    const bool exhausted = jobs->size() < load.count;
    scheduler_.handle(now_, event::JobsLoaded{load.route, std::move(*jobs), exhausted});
  }

  void execute(action::CommitBatch& commit) {
    auto stored = ports_.checkpoint.commit(commit.batch);
    // The commit took time: what is sent now is sent now.
    now_ = ports_.clock.now();
    if (stored) {
      said_no_room_ = false;
      ports_.observer.committed(now_, commit.batch, ports_.checkpoint.counts());
      scheduler_.handle(now_, event::Committed{commit.batch.id});
    } else if (stored.error().code == ErrorCode::disk_full) {
      warn_no_room(stored.error().message);
      scheduler_.handle(now_, event::CommitFailed{std::move(commit.batch)});
    } else {
      checkpoint_failure_ = stored.error();
    }
  }

  void execute(const action::Send& send) {
    auto job = ports_.checkpoint.job(send.job);
    if (!job) fail_softly(job.error());
    auto request = job ? requests_.make(*job, send) : Result<RequestMaker::Request>{pass(job)};
    if (!request) {
      scheduler_.handle(now_, event::AttemptEnded{send.job, send.attempt, unsent(request.error())});
      return;
    }
    const net::TransferId id = next_transfer();
    ReplyFiles& files = request->http.reply_files;
    if (files.binary_body || !files.members.empty()) {
      files.folder = incoming();
      files.stem = std::to_string(static_cast<std::uint64_t>(id));
    }
    ++last_look_[index_of(send.lane)].requests;
    sent_.emplace(
        id,
        Sent{send.job, send.attempt, job->id, {send.route, send.lane, send.key, request->asked}});
    ports_.transport.send(id, std::move(request->http));
  }

  void execute(const action::Cancel& cancel) {
    // An answer that is here already is taken, not given up: it is paid for. Only where its files
    // find no room it goes the way of the others.
    const auto here = std::find_if(arrived_.begin(), arrived_.end(), [&](const auto& finished) {
      return sent_.at(finished.id).job == cancel.job;
    });
    if (here != arrived_.end()) {
      ended(*here);
      arrived_.erase(here);
      const bool is_unsaved =
          std::any_of(unsaved_.begin(), unsaved_.end(),
                      [&](const Unsaved& unsaved) { return unsaved.sent.job == cancel.job; });
      if (!is_unsaved) return;
    }
    const auto is_job = [&](const auto& entry) { return entry.second.job == cancel.job; };
    const auto found = std::find_if(sent_.begin(), sent_.end(), is_job);
    if (found != sent_.end()) {
      ports_.transport.cancel(found->first);
      sent_.erase(found);
    }
    Outcome outcome = give_up_unsaved(cancel.job);
    scheduler_.handle(now_, event::AttemptEnded{cancel.job, cancel.attempt, std::move(outcome)});
  }

  // What a job comes to that is given up. An answer that is here, and was only not kept, is paid,
  // counted, and not asked for again without a person.
  Outcome give_up_unsaved(JobSeq job) {
    Outcome outcome;
    outcome.message = "given up while it was under way";
    const auto found = std::find_if(unsaved_.begin(), unsaved_.end(), [&](const Unsaved& unsaved) {
      return unsaved.sent.job == job;
    });
    if (found == unsaved_.end()) return outcome;
    for (const Asset& asset : found->outcome.answer->assets) {
      if (!asset.path.empty()) ports_.files.remove(asset.path);
    }
    outcome = std::move(found->outcome);
    outcome.kind = OutcomeClass::unknown;
    outcome.answer.reset();
    outcome.answer_lost = true;
    outcome.message = found->cause.message + when_lost;
    ports_.observer.warned(now_, outcome.message);
    unsaved_.erase(found);
    return outcome;
  }

  void execute(const action::Fetch& fetch) {
    auto stored = ports_.checkpoint.fetch(fetch.job);
    if (!stored) {
      fail_softly(stored.error());
      FetchOutcome outcome;
      outcome.local = true;
      scheduler_.handle(now_, event::FetchEnded{fetch.job, fetch.attempt, std::move(outcome)});
      return;
    }
    if (!options_.sandbox_origin.empty()) {
      for (std::string& link : stored->links) link = moved_to(options_.sandbox_origin, link);
    }
    fetcher_.start(fetch, std::move(*stored), incoming(), next_transfer());
  }

  void execute(const action::CancelFetch& cancel) { fetcher_.cancel(cancel.job); }

  // run() ends before it comes here.
  void execute(const action::Finished& /*finished*/) { RB_ASSERT(false); }

  [[nodiscard]] Duration until_wake() const {
    if (!arrived_.empty()) return {};
    Duration wait = wait_max;
    if (const auto wake = scheduler_.wake_at()) wait = std::min(wait, *wake - now_.steady);
    for (const Unsaved& unsaved : unsaved_) wait = std::min(wait, unsaved.retry_at - now_.steady);
    return std::max(wait, Duration{});
  }

  void tell_usage(const Snapshot& snapshot) {
    for (const LaneSnapshot& shown : snapshot.lanes) {
      LastLook& lane = last_look_[index_of(shown.lane)];
      const bool is_due = lane.requests >= options_.usage_every || !lane.at ||
                          now_.steady - *lane.at >= usage_interval ||
                          lane.state != shown.status.state;
      if (!is_due) continue;
      lane = {0, now_.steady, shown.status.state};
      ports_.observer.usage(now_, shown.lane, scheduler_.quota_view(now_, shown.lane));
    }
  }

  void warn_no_room(const std::string& cause) {
    if (std::exchange(said_no_room_, true)) return;
    ports_.observer.warned(now_, cause +
                                     "; answers are kept in memory and nothing new starts: "
                                     "make room and the run goes on by itself");
  }

  const Catalog& catalog_;
  const DriverPorts& ports_;
  const DriverOptions& options_;
  Now now_;
  schedule::Scheduler scheduler_;
  RequestMaker requests_;
  Fetcher fetcher_;
  std::vector<LastLook> last_look_;  // By LaneId.
  std::map<net::TransferId, Sent> sent_;
  std::deque<net::FinishedTransfer> arrived_;  // Not yet looked at.
  std::vector<Unsaved> unsaved_;
  std::optional<Error> failure_;             // What the run ends with, once it is drained.
  std::optional<Error> checkpoint_failure_;  // Ends the run at once: nothing can be committed.
  std::uint64_t last_transfer_ = 0;
  bool said_no_room_ = false;
  bool said_no_incoming_ = false;
  const std::vector<Asset> no_assets_;
};

}  // namespace

Result<action::Finished> drive(const Catalog& catalog, const DriverPorts& ports,
                               const DriverOptions& options, const store::RunBegun& begun) {
  Driver driver{catalog, ports, options, begun};
  return driver.run();
}

}  // namespace ratebatch::run
