// How far, how fast, and what it waits for: a view of a run and its limits as plain data, and the
// text of it.
//
// Pure: the same view and the same `now` give the same text. progress_tracker.hpp (a run in this
// process) or the status of a checkpoint fills the view; the console of the command line owns the
// terminal. Names of models and limits come from the configuration or from a provider, and are
// escaped in the text.
#pragma once

#include <algorithm>
#include <chrono>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/base/time_zone.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/store/counts.hpp"

namespace ratebatch::run {

// A limit, and the time zone of its reset.
struct ShownLimit {
  LimitView view;
  TimeZone zone;

  friend bool operator==(const ShownLimit&, const ShownLimit&) = default;
};

struct LaneProgress {
  std::string model;
  LaneStatus status;
  store::JobCounts jobs;
  std::int32_t in_flight = 0;
  double per_minute = 0;           // Jobs that came to an end, over the last minutes.
  std::optional<Duration> eta;     // Until its last job ends; nullopt if no rate is known.
  std::vector<ShownLimit> limits;  // As last looked at; may be empty.
};

struct Progress {
  std::vector<LaneProgress> lanes;
  store::JobCounts jobs;  // Of the whole checkpoint.
  std::int32_t in_flight = 0;
  std::int32_t workers = 0;
  double per_minute = 0;
  std::optional<Duration> eta;
  std::int64_t eta_pauses = 0;       // On the way there.
  std::optional<WallTime> deadline;  // As the user asked for.
  bool sandbox = false;
  bool stopping = false;
  bool storage_waits = false;
};

// Jobs that came to an end: done or failed.
inline std::int64_t ended(const store::JobCounts& jobs) {
  return jobs.of(JobState::done) + jobs.of(JobState::failed);
}

// Jobs that count: all but the cancelled ones.
inline std::int64_t total_of(const store::JobCounts& jobs) {
  return jobs.total() - jobs.of(JobState::cancelled);
}

// Rounded up, and at least one second: how long a person is asked to wait.
constexpr Duration in_whole_seconds(Duration d) {
  return std::max<Duration>(std::chrono::ceil<std::chrono::seconds>(d), std::chrono::seconds{1});
}

// The configured limit behind a view of a lane, its provider's included; nullptr if a reply
// announced it.
const Limit* limit_behind(const Lanes& lanes, LaneId lane, std::string_view view_name);

std::vector<ShownLimit> shown_limits(const Lanes& lanes, LaneId lane,
                                     const std::vector<LimitView>& views);

// "238/min", "3.5/min".
std::string rate_text(double per_minute);

// "rpd 8,000 of 10,000 (pauses at 8,000), resets 2026-11-23 00:00 PST"; within an hour "resets in
// 42s"; a short one as "rpm 12 of 500".
std::string limit_text(const ShownLimit& limit, WallTime now);

// "2026-11-23 00:00 PST, in 6h 12min: 8,000 of 10,000 requests (rpd)", of the limit that a paused
// lane waits for; nullopt if none of the limits is that one.
std::optional<std::string> pause_text(const LaneStatus& status,
                                      const std::vector<ShownLimit>& limits, WallTime now);

// What a lane waits for: "waiting 24s: 429: requests", "paused until 2026-11-23 00:00 PST, in 6h
// 12min: 8,000 of 10,000 requests (rpd)" of one of its `limits`, "paused until
// 2026-11-23T08:00Z, in 6h 12min: quota used up" of none, "tripped: server failures", "stopped: no
// usable key"; empty where it does not wait.
std::string wait_text(const LaneStatus& status, const std::vector<ShownLimit>& limits,
                      WallTime now);

// For a terminal: one line per lane, and one for all. No line is longer than `width` - 1 columns,
// so that none wraps. Precondition: width is at least 20.
std::vector<std::string> progress_lines(const Progress& progress, WallTime now, std::size_t width);

// For a pipe or a log: everything on one full line, with the time.
std::string progress_line(const Progress& progress, WallTime now);

// For a program: a JSON line (see json_line.hpp).
std::string progress_json(const Progress& progress, WallTime now);

}  // namespace ratebatch::run
