// Watches a run for people: draws the progress, writes the log, fills in the summary.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <vector>

#include "cli/event_log.hpp"
#include "ratebatch/cli/console.hpp"
#include "ratebatch/run/driver.hpp"
#include "ratebatch/run/progress_tracker.hpp"
#include "ratebatch/run/run_summary.hpp"
#include "ratebatch/store/checkpoint.hpp"

namespace ratebatch::cli {

// On a terminal, progress is drawn at most so often.
constexpr Duration redraw_interval_min = std::chrono::milliseconds{100};

// ... and at least so often, so that waits count down.
constexpr Duration redraw_interval_max = std::chrono::seconds{1};

// Elsewhere, one full line so often.
constexpr Duration line_interval = std::chrono::minutes{1};

class RunObserver final : public run::Observer {
 public:
  // All references must outlive the observer. `summary` says whether it is a sandbox run, and gets
  // what is counted. `start`: when the run began. `log_usage_every`: requests of a lane between two
  // quota_usage events.
  RunObserver(Console& console, EventLog& log, store::Checkpoint& checkpoint, const Lanes& lanes,
              run::RunSummary& summary, Now start, std::int32_t log_usage_every);

  // The end that the progress is held against.
  void set_deadline(WallTime deadline) { deadline_ = deadline; }

  void committed(Now now, const Batch& batch, const store::Counts& counts) override;
  Duration turned(Now now, const Snapshot& snapshot, const store::Counts& counts) override;
  void usage(Now now, LaneId lane, const LaneQuota& quota) override;
  void warned(Now now, const std::string& message) override;

  // Adds to the summary what was waited for, and what lanes with work that cannot go on at once
  // wait for now.
  void finish(Now now);

 private:
  // What was last reported of a lane's limits.
  struct LastUsage {
    std::int32_t requests = 0;  // Since the last quota_usage event.
    bool critical = false;
    bool is_known = false;
    std::optional<std::int32_t> concurrency;  // Absent: only the workers bound it.
  };
  struct Flight {
    LaneId lane{};
    KeyId key{};
    Instant started;
  };

  void note(WallTime at, LogLevel level, std::string_view event,
            const std::vector<LogField>& fields);
  void note_end(Now now, const AttemptEnd& end, const Flight& flight);
  void note_refused_key(Now now, const AttemptEnd& end, const Flight& flight);
  void note_fetch(Now now, const FetchEnd& end);
  void note_lane(WallTime now, const LaneSnapshot& lane);
  [[nodiscard]] run::Progress progress(Now now) const;
  [[nodiscard]] const std::string& model_of(LaneId lane) const;
  [[nodiscard]] std::string id_of(JobSeq job);
  Duration redraw(Now now);
  Duration print_line(Now now);

  Console& console_;
  EventLog& log_;
  store::Checkpoint& checkpoint_;
  const Lanes& lanes_;
  run::RunSummary& summary_;
  std::int32_t log_usage_every_;
  std::optional<WallTime> deadline_;
  run::ProgressTracker tracker_;
  bool turned_ = false;
  std::vector<LastUsage> last_usage_;                  // By LaneId.
  std::map<JobSeq, Flight> flights_;                   // At most one per worker.
  std::vector<LaneStatus> lane_status_;                // By LaneId, as last noted.
  std::vector<std::optional<Instant>> refused_since_;  // By LaneId; until the next answer.
  std::set<KeyId> refused_keys_;
  std::optional<Instant> last_drawn_;
  Instant next_line_;
};

}  // namespace ratebatch::cli
