// The one loop: connects the scheduler to clock, checkpoint, transport and interrupts.
//
// Each turn reads the clock, hands the scheduler what happened, carries out its commands until
// there are none, and waits once. It decides nothing about jobs; whatever it cannot do (a job that
// cannot be rendered, a full disk) goes back to the scheduler as a fact.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "ratebatch/base/port.hpp"
#include "ratebatch/base/random.hpp"
#include "ratebatch/base/result.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/net/transport.hpp"
#include "ratebatch/run/answer_files.hpp"
#include "ratebatch/run/catalog.hpp"
#include "ratebatch/schedule/scheduler.hpp"
#include "ratebatch/store/checkpoint.hpp"

namespace ratebatch::run {

// Reads both clocks. The driver is the only one who asks.
class Clock : public Port {
 public:
  virtual Now now() = 0;
};

// Reports signals that arrived. `take` answers each press once: the first with the grace time, the
// second with grace 0.
class Interrupts : public Port {
 public:
  virtual std::optional<event::StopRequested> take() = 0;
};

// Watches a run: progress, log. Called by the driver only with what is stored.
class Observer : public Port {
 public:
  // The batch is durable; `counts` has it counted.
  virtual void committed(Now now, const Batch& batch, const store::Counts& counts) = 0;

  // A turn is over. Called often; the observer decides when to draw. Returns when it wants to be
  // called again at the latest.
  virtual Duration turned(Now now, const Snapshot& snapshot, const store::Counts& counts) = 0;

  // What is used of a lane's limits now. Called every DriverOptions::usage_every requests of the
  // lane, when its state changes, and every usage_interval while a run goes on; before `turned`.
  virtual void usage(Now /*now*/, LaneId /*lane*/, const LaneQuota& /*quota*/) {}

  // Something a person should know once, such as a full disk; a whole sentence.
  virtual void warned(Now now, const std::string& message) = 0;
};

// Often enough for a forecast and for the log, rarely enough to cost nothing.
constexpr Duration usage_interval = std::chrono::seconds{10};

struct DriverOptions {
  schedule::SchedulerOptions scheduler;
  std::uint64_t seed = 1;
  // Of a sandbox run: its origin. What an earlier sandbox announced is had from this one.
  std::string sandbox_origin;
  std::int32_t usage_every = 100;  // Requests of a lane between two looks at its limits.
  // So many answers share a commit at most, or a quarter of those that are here; the others wait
  // for the next turn. With a thousand workers, answers that come at once would else wait for each
  // other, be followed by requests sent at once, and so stay in step for ever.
  std::size_t answers_per_turn_max = 64;
};

struct DriverPorts {
  Clock& clock;
  net::Transport& transport;
  store::Checkpoint& checkpoint;
  Interrupts& interrupts;
  Observer& observer;
  AnswerFiles& files;
};

// Works until nothing is left, a stop is through, or the checkpoint fails (io). The run must have
// begun (`Checkpoint::begin_run`, which returned `begun`); ending it is the caller's business. All
// references must outlive the call.
Result<action::Finished> drive(const Catalog& catalog, const DriverPorts& ports,
                               const DriverOptions& options, const store::RunBegun& begun);

}  // namespace ratebatch::run
