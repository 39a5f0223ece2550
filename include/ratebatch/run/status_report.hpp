// What `status` says, worked out from a checkpoint: true also where no run is alive.
//
// Pure, given the configuration and what is stored; no key is read. It is shown as text to people,
// and as JSON lines (see json_line.hpp) to programs.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/run/catalog.hpp"
#include "ratebatch/run/progress.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"

namespace ratebatch::run {

// The quota monitor as a checkpoint remembers it: what is used of every limit, without a run.
struct QuotaPicture {
  Lanes lanes;
  std::vector<LaneQuota> quotas;  // By LaneId.

  // The lane of a model, by its name.
  [[nodiscard]] std::optional<LaneId> lane_of(std::string_view model) const;
};

// What is used of the limits of these lanes. `config` has the windows of the client; see
// for_sandbox. Fails as catalog_without_keys does.
Result<QuotaPicture> picture_of(const Config& config, const std::vector<store::StoredRoute>& routes,
                                const VariableNames& variables,
                                const std::vector<StoredState>& states, Now now);

enum class OverallState : std::uint8_t {
  running,      // A run is alive, and something is under way or could start.
  waiting,      // A run is alive, and every lane with work waits for a short while.
  paused,       // Every lane with work waits for a quota, with a run alive or not.
  idle,         // Work is left, and nobody works on it; or there are no jobs at all.
  complete,     // Nothing is left.
  interrupted,  // Work is left, and the last run was stopped or died.
};

std::string_view to_string(OverallState state);

struct LaneReport {
  std::string model;
  std::string provider;
  LaneStatus status;
  std::optional<store::JobCounts> jobs;  // Absent where the configuration is not known.
  bool critical = false;
  std::optional<std::int32_t> concurrency;  // At once, over all keys; absent: only the workers.
  std::vector<ShownLimit> limits;           // Over all keys; empty where they are not known.
  std::vector<KeyView> keys;                // One per key group, likewise.
};

struct StatusReport {
  std::string db;  // As the user calls it.
  WallTime now;
  OverallState state = OverallState::idle;
  LaneStatus bottleneck;  // What all wait for; its reason is empty where nobody waits.
  std::string bottleneck_model;
  store::JobCounts jobs;  // `running` is what a live run has under way; else it is unknown.
  std::vector<LaneReport> lanes;
  std::optional<Duration> eta;  // Only while a run is alive.
  std::int64_t eta_pauses = 0;
  store::StatusData data;  // As read; its counts are not corrected.
};

// `config`: the one the checkpoint was run with, if it can be read. `quota`: what is used of its
// limits; nullptr if that is not known.
StatusReport make_status_report(store::StatusData data, const std::optional<Config>& config,
                                const QuotaPicture* quota, std::string db, WallTime now);

// Appends ", 7 failed" to a line of counts, unless the count is 0.
void add_count(std::string& text, std::int64_t count, std::string_view what);

// "  calls     1,204 sent, 3 resent": the beginning of a line.
std::string calls_text(const store::CallCounts& calls);

// Several lines, the last with its newline. Text from outside in it is escaped. `command_end`: what
// the commands it names need behind them, such as " --db live.db"; may be empty.
std::string status_text(const StatusReport& report, const std::string& command_end);

// One line per failed job: where it came from, its id, the class and the server's words.
std::string failed_jobs_text(const std::vector<store::JobRow>& jobs);

std::string status_json(const StatusReport& report);
// Only what is used of the limits: the lanes of a status.
std::string quota_json(const StatusReport& report);
std::string failed_job_json(const store::JobRow& job);

}  // namespace ratebatch::run
