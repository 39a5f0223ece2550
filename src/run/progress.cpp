#include "ratebatch/run/progress.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <cmath>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::run {
namespace {

constexpr std::size_t columns_min = 20;

// Longer model names are cut in lines that are redrawn.
constexpr std::size_t shown_model_bytes_max = 24;

constexpr std::array<std::size_t, 3> bar_widths = {20, 10, 0};

// A reset nearer than this is said as a length of time.
constexpr Duration near_reset = std::chrono::hours{1};

// Views of limits over all lanes of a provider begin with its name.
bool is_called(const LimitView& view, const std::string& limit) {
  return view.limit == limit || view.limit.ends_with(" " + limit);
}

// One line of the table on a terminal.
struct ProgressRow {
  std::string name;
  std::string counts;
  std::string rate;
  std::string eta;
  std::string note;
  double share = 0;
};

std::string counts_text(const store::JobCounts& jobs) {
  return fmt::format("{}/{}", grouped(jobs.of(JobState::done)), grouped(total_of(jobs)));
}

std::string eta_text(const std::optional<Duration>& eta, const store::JobCounts& jobs) {
  if (!eta || jobs.open() == 0) return "";
  return "ETA " + format_duration(in_whole_seconds(*eta));
}

double share_of(const store::JobCounts& jobs) {
  const std::int64_t total = total_of(jobs);
  return total == 0 ? 1.0 : static_cast<double>(ended(jobs)) / static_cast<double>(total);
}

// Jobs that no worker is busy with and that are not done either, for a note.
std::string trouble_text(const store::JobCounts& jobs) {
  std::string text;
  for (const JobState state : {JobState::fetching, JobState::failed, JobState::held}) {
    if (jobs.of(state) > 0) {
      add_to_list(text, fmt::format("{} {}", grouped(jobs.of(state)), to_string(state)));
    }
  }
  return text;
}

// What holds for the run as a whole.
std::string run_notes(const Progress& progress) {
  std::string notes = progress.sandbox ? "SANDBOX" : "";
  add_to_list(notes, fmt::format("{} of {} workers busy", progress.in_flight, progress.workers));
  add_to_list(notes, trouble_text(progress.jobs));
  if (progress.stopping) add_to_list(notes, "stopping, Ctrl-C again gives up what is in flight");
  if (progress.storage_waits) add_to_list(notes, "waiting for room on the disk");
  return notes;
}

ProgressRow lane_row(const LaneProgress& lane, WallTime now) {
  std::string note = wait_text(lane.status, lane.limits, now);
  add_to_list(note, trouble_text(lane.jobs));
  return {escaped(lane.model, shown_model_bytes_max),
          counts_text(lane.jobs),
          rate_text(lane.per_minute),
          eta_text(lane.eta, lane.jobs),
          std::move(note),
          share_of(lane.jobs)};
}

std::string bar(double share, std::size_t width) {
  if (width == 0) return "";
  const auto filled = static_cast<std::size_t>(share * static_cast<double>(width));
  return "[" + std::string(filled, '#') + std::string(width - filled, '-') + "]  ";
}

// Bytes that begin a character: the columns of text without wide or combining characters.
std::size_t columns_of(std::string_view text) {
  return static_cast<std::size_t>(std::count_if(text.begin(), text.end(), [](char c) {
    return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U;
  }));
}

std::string cut_to(const std::string& text, std::size_t columns) {
  if (columns_of(text) <= columns) return text;
  std::size_t at = 0;
  for (std::size_t shown = 0; shown < columns - 3; ++shown) {
    ++at;
    while ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80U) ++at;
  }
  return text.substr(0, at) + "...";
}

std::vector<std::string> table(const std::vector<ProgressRow>& rows, std::size_t bar_width) {
  std::size_t name = 0;
  std::size_t counts = 0;
  std::size_t rate = 0;
  std::size_t eta = 0;
  for (const ProgressRow& row : rows) {
    name = std::max(name, columns_of(row.name));
    counts = std::max(counts, row.counts.size());
    rate = std::max(rate, row.rate.size());
    eta = std::max(eta, row.eta.size());
  }
  std::vector<std::string> lines;
  for (const ProgressRow& row : rows) {
    std::string line =
        fmt::format("{}{}  {}{:>{}}  {:>{}}  {:<{}}  {}", row.name,
                    std::string(name - columns_of(row.name), ' '), bar(row.share, bar_width),
                    row.counts, counts, row.rate, rate, row.eta, eta, row.note);
    line.erase(line.find_last_not_of(' ') + 1);
    lines.push_back(std::move(line));
  }
  return lines;
}

}  // namespace

const Limit* limit_behind(const Lanes& lanes, LaneId lane, std::string_view view_name) {
  const LaneSettings& settings = lanes.lanes[index_of(lane)];
  for (const Limit& limit : settings.limits.windows) {
    if (limit.name == view_name) return &limit;
  }
  const KeyPool& pool = lanes.pools[index_of(settings.pool)];
  for (const Limit& limit : pool.limits.windows) {
    if (view_name == pool.provider + " " + limit.name) return &limit;
  }
  return nullptr;
}

std::vector<ShownLimit> shown_limits(const Lanes& lanes, LaneId lane,
                                     const std::vector<LimitView>& views) {
  std::vector<ShownLimit> shown;
  for (const LimitView& view : views) {
    const Limit* limit = limit_behind(lanes, lane, view.limit);
    shown.push_back({view, limit == nullptr ? TimeZone{} : limit->reset.zone});
  }
  return shown;
}

std::string rate_text(double per_minute) {
  if (per_minute > 0 && per_minute < 9.95) return fmt::format("{:.1f}/min", per_minute);
  return grouped(std::llround(per_minute)) + "/min";
}

std::string limit_text(const ShownLimit& limit, WallTime now) {
  const LimitView& view = limit.view;
  std::string text =
      fmt::format("{} {} of {}", escaped(view.limit), grouped(view.used), grouped(view.max));
  if (!view.is_long) return text;
  text += fmt::format(" (pauses at {})", grouped(view.threshold));
  if (!view.resets_at || *view.resets_at <= now) return text;
  const Duration left = *view.resets_at - now;
  if (left < near_reset) return text + ", resets in " + format_duration(in_whole_seconds(left));
  return text + ", resets " + limit.zone.format(*view.resets_at);
}

std::optional<std::string> pause_text(const LaneStatus& status,
                                      const std::vector<ShownLimit>& limits, WallTime now) {
  if (!status.until) return std::nullopt;
  const ShownLimit* found = nullptr;
  for (const ShownLimit& limit : limits) {
    const bool fits = limit.view.is_long && is_called(limit.view, status.reason);
    const bool is_full = limit.view.used >= limit.view.threshold;
    if (fits && (found == nullptr || is_full)) found = &limit;
  }
  if (found == nullptr) return std::nullopt;
  return fmt::format("{}, in {}: {} of {} {} ({})", found->zone.format(*status.until),
                     format_duration(in_whole_seconds(*status.until - now)),
                     grouped(found->view.used), grouped(found->view.max),
                     to_string(found->view.resource), escaped(found->view.limit));
}

std::string wait_text(const LaneStatus& status, const std::vector<ShownLimit>& limits,
                      WallTime now) {
  const std::string reason = status.reason.empty() ? "" : ": " + escaped(status.reason);
  const Duration left = status.until ? in_whole_seconds(*status.until - now) : Duration{};
  switch (status.state) {
    case LaneState::idle:
    case LaneState::running:
      return "";
    case LaneState::slowed:
      return "slowed" + reason;
    case LaneState::waiting:
      return status.until ? fmt::format("waiting {}{}", format_duration(left), reason)
                          : "waiting" + reason;
    case LaneState::paused:
      if (!status.until) return "paused" + reason;
      if (const auto text = pause_text(status, limits, now)) return "paused until " + *text;
      return fmt::format("paused until {}Z, in {}{}", format_utc(*status.until).substr(0, 16),
                         format_duration(left), reason);
    case LaneState::tripped:
      return "tripped" + reason;
    case LaneState::no_key:
    case LaneState::stopped:
      return "stopped" + reason;
  }
  return "";
}

std::vector<std::string> progress_lines(const Progress& progress, WallTime now, std::size_t width) {
  RB_ASSERT(width >= columns_min);
  std::vector<ProgressRow> rows;
  for (const LaneProgress& lane : progress.lanes) rows.push_back(lane_row(lane, now));
  rows.push_back({"all", counts_text(progress.jobs), rate_text(progress.per_minute),
                  eta_text(progress.eta, progress.jobs), run_notes(progress),
                  share_of(progress.jobs)});
  const auto fits = [&](const std::string& line) { return columns_of(line) < width; };
  std::vector<std::string> lines;
  for (const std::size_t bar_width : bar_widths) {
    lines = table(rows, bar_width);
    if (std::all_of(lines.begin(), lines.end(), fits)) return lines;
  }
  for (std::string& line : lines) line = cut_to(line, width - 1);
  return lines;
}

std::string progress_line(const Progress& progress, WallTime now) {
  std::string line = fmt::format("{} {} done", format_utc(now), counts_text(progress.jobs));
  add_to_list(line, rate_text(progress.per_minute));
  add_to_list(line, eta_text(progress.eta, progress.jobs));
  add_to_list(line, run_notes(progress));
  for (const LaneProgress& lane : progress.lanes) {
    const std::string wait = wait_text(lane.status, lane.limits, now);
    if (!wait.empty()) line += fmt::format("; {} {}", escaped(lane.model), wait);
  }
  return line;
}

}  // namespace ratebatch::run
