// The ports of a simulated run: virtual clocks, a transport that delivers from a heap, a checkpoint
// that can crash, stall and fill up, and a person who presses Ctrl-C. Each of them checks, at every
// call, the invariants it can see.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <string>
#include <vector>

#include "ratebatch/base/random.hpp"
#include "ratebatch/run/driver.hpp"
#include "sim/sim_options.hpp"
#include "sim/sim_provider.hpp"
#include "support/fake_checkpoint.hpp"

namespace ratebatch::sim {

// Thrown out of a port to end an incarnation of the program at once, as kill -9 does.
struct Crash {};

// An invariant that does not hold. Caught by the world, which reports the seed.
struct Violation {
  std::string what;
};

inline void require(bool holds, const char* what) {
  if (!holds) throw Violation{what};
}

// What all ports of one world share, over all incarnations of the program.
struct SimState {
  explicit SimState(const SimOptions& o)
      : options(o), rng(Rng{o.seed}.next()), provider(options, Rng{Rng{o.seed + 1}.next()}) {}

  // Ends the incarnation now and then, while crashes are left.
  void maybe_crash();

  // Adds a line to the trace: only its hash is kept.
  void trace(const std::string& line);

  const SimOptions options;
  Rng rng;
  SimProvider provider;
  Now now{{1'000'000'000'000}, {1'780'000'000'000'000'000}};
  bool healed = false;  // The liveness phase: nothing fails any more.
  std::int32_t crashes = 0;
  std::int32_t stops = 0;
  std::int64_t sends = 0;
  std::int32_t runs = 0;
  // The true time, whatever the machine's clock shows.
  [[nodiscard]] WallTime true_time() const {
    return WallTime{1'780'000'000'000'000'000} + (now.steady - Instant{1'000'000'000'000});
  }
  // What shares limits: a model with one group of keys.
  [[nodiscard]] std::string scope(const std::string& model, const std::string& key) const {
    return options.separate_keys ? model + "/" + key : model;
  }
  // Requests of the present day of the provider, or the last 24 hours.
  [[nodiscard]] std::int64_t used_today(const std::string& scope) const;
  std::map<std::string, std::vector<WallTime>> sent_ever;  // By scope.
  std::set<JobSeq> just_ended;  // Jobs whose attempt ended in the last commit.
  std::uint64_t trace_hash = 0xCBF29CE484222325ULL;
};

class SimClock final : public run::Clock {
 public:
  explicit SimClock(SimState& state) : state_(state) {}
  Now now() override;

 private:
  SimState& state_;
};

// Answers each press once; the world decides when.
class SimInterrupts final : public run::Interrupts {
 public:
  explicit SimInterrupts(SimState& state) : state_(state) {}
  std::optional<event::StopRequested> take() override;
  [[nodiscard]] bool stop_seen() const { return presses_ > 0; }

 private:
  SimState& state_;
  std::int32_t presses_ = 0;
};

// Wraps the fake checkpoint with commits that take time, fill the disk, or are the last thing the
// program does.
class SimCheckpoint final : public store::Checkpoint {
 public:
  SimCheckpoint(SimState& state, FakeCheckpointData& data)
      : state_(state), data_(data), fake_(data) {}

  Result<std::vector<store::StoredRoute>> routes() override { return fake_.routes(); }
  Result<store::RunBegun> begin_run(const store::RunStart& start) override;
  Result<std::vector<JobRef>> load_page(RouteId route, std::optional<JobCursor> after,
                                        std::size_t count) override;
  Result<store::StoredJob> job(JobSeq seq) override { return fake_.job(seq); }
  Result<store::StoredFetch> fetch(JobSeq seq) override { return fake_.fetch(seq); }
  Result<void> commit(const Batch& batch) override;
  Result<void> end_run(const store::RunEnd& end) override { return fake_.end_run(end); }
  [[nodiscard]] const store::Counts& counts() const override { return fake_.counts(); }

  // What the planted bug leaves of a crash: this store answers before it has stored, so that the
  // last commit is lost.
  void forget_last_commit() {
    if (before_last_commit_) data_ = std::move(*before_last_commit_);
  }

 private:
  SimState& state_;
  FakeCheckpointData& data_;
  FakeCheckpoint fake_;
  std::optional<FakeCheckpointData> before_last_commit_;  // Kept for the canary only.
};

class SimTransport final : public net::Transport {
 public:
  SimTransport(SimState& state, const FakeCheckpointData& data, const SimInterrupts& interrupts)
      : state_(state), data_(data), interrupts_(interrupts) {}

  void send(net::TransferId id, HttpRequest request) override;
  void cancel(net::TransferId id) override;
  std::vector<net::FinishedTransfer> finished() override;
  void wait(Duration longest) override;

 private:
  struct Delivery {
    net::TransferId id{};
    TransferResult result;
    std::string job;
    std::string scope;  // Empty: a download.
    Instant sent_at;
  };

  void download(net::TransferId id, const HttpRequest& request);
  void over(const Delivery& delivery);
  void check_send(const std::string& id, const std::string& scope);
  void check_priority(const std::string& id);
  void check_rate(const std::string& scope);
  void check_day(const std::string& scope);

  SimState& state_;
  const FakeCheckpointData& data_;
  const SimInterrupts& interrupts_;
  std::multimap<Instant, Delivery> deliveries_;
  std::int64_t idle_waits_ = 0;
  std::set<std::string> jobs_sent_;
  std::set<std::string> jobs_in_flight_;
  std::set<std::string> downloads_;
  std::map<std::string, std::int32_t> scopes_in_flight_;
  std::map<std::string, std::vector<Instant>> sent_times_;
};

// Keeps files by their names; finds no room now and then.
class SimFiles final : public run::AnswerFiles {
 public:
  explicit SimFiles(SimState& state) : state_(state) {}
  Result<std::string> incoming() override { return std::string{}; }
  Result<std::vector<std::string>> keep(std::string_view id, std::size_t before,
                                        const std::vector<Asset>& assets) override;
  void remove(const std::string& /*path*/) override { throw Violation{"nothing is in a file"}; }

 private:
  SimState& state_;
};

// What OpenAI's dialect reads, and the links that the simulated provider puts into a header.
class SimDialect final : public provider::Dialect {
 public:
  explicit SimDialect(const provider::Dialect& real) : real_(real) {}
  [[nodiscard]] Result<HttpRequest> request(const JobContent& content,
                                            const Endpoint& endpoint) const override {
    return real_.request(content, endpoint);
  }
  [[nodiscard]] KeyHeader key_header(const Endpoint& endpoint) const override {
    return real_.key_header(endpoint);
  }
  [[nodiscard]] Outcome read(const HttpReply& reply, const Endpoint& endpoint,
                             const provider::AskedFor& asked) const override;

 private:
  const provider::Dialect& real_;
};

// Bounds the length of a run, and checks what a snapshot shows.
class SimObserver final : public run::Observer {
 public:
  explicit SimObserver(SimState& state) : state_(state) {}
  void committed(Now now, const Batch& batch, const store::Counts& counts) override;
  Duration turned(Now now, const Snapshot& snapshot, const store::Counts& counts) override;
  void warned(Now, const std::string&) override {}

 private:
  SimState& state_;
  std::int64_t turns_ = 0;
};

}  // namespace ratebatch::sim
