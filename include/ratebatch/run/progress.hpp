// How far, how fast, and what it waits for: a view of a run as plain data, and its text.
//
// Pure: the same view and the same `now` give the same text. Who fills the view is
// progress_tracker.hpp (a run in this process) or the status of a checkpoint; who owns the terminal
// is the console of the command line. Model names in the text are escaped.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/run/limit_text.hpp"
#include "ratebatch/store/counts.hpp"

namespace ratebatch::run {

// Longer model names are cut in lines that are redrawn.
constexpr std::size_t shown_model_bytes_max = 24;

struct LaneProgress {
  std::string model;
  LaneStatus status;
  store::JobCounts jobs;
  std::int32_t in_flight = 0;
  double per_minute = 0;           // Jobs that came to an end, over the last minutes.
  std::optional<Duration> eta;     // Until its last job ends; nothing where no rate is known.
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
std::int64_t ended(const store::JobCounts& jobs);

// Jobs that count: all but the cancelled ones.
std::int64_t total_of(const store::JobCounts& jobs);

// "238/min", "3.5/min".
std::string rate_text(double per_minute);

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

}  // namespace ratebatch::run
