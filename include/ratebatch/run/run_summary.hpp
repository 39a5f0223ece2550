// What a run came to, shown at its end.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/run/progress_tracker.hpp"
#include "ratebatch/store/counts.hpp"

namespace ratebatch::run {

struct RunSummary {
  std::string db;           // As the user calls it.
  std::string command_end;  // Behind the commands it names, such as " --db live.db"; may be empty.
  bool sandbox = false;
  std::int32_t exit_code = 0;
  // "complete", "nothing_to_do", "interrupted", "terminated", "no_key", "no_room", "switched_off",
  // "max_jobs", "max_runtime", "max_cost", "paused", "stopped".
  std::string reason;
  std::string words;  // Of "stopped": the lane, and what the server said, unescaped.
  Duration took{};
  store::Counts before;  // As the run found them.
  store::Counts after;
  std::vector<TimeWaited> waits;
  std::vector<std::string> lanes_left;  // What lanes that cannot go on at once wait for, as text.
  std::int64_t pauses = 0;              // Quota incidents: a lane began to pause.
  std::int64_t warnings = 0;            // Quota incidents: a lane's quota became nearly used up.
  std::optional<Duration> longest_recovery;  // From a 429 to the next answer of its lane.
  std::int64_t files_written = 0;
  std::string files_folder;
  std::optional<std::string> output;  // The file the results were written to.
};

// Several lines for people, the last with its newline.
std::string summary_text(const RunSummary& summary);

// The same as a JSON line (see json_line.hpp).
std::string summary_json(const RunSummary& summary);

}  // namespace ratebatch::run
