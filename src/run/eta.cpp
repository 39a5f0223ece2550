#include "ratebatch/run/eta.hpp"

#include <algorithm>
#include <cmath>

#include "ratebatch/run/progress.hpp"

namespace ratebatch::run {
namespace {

// A forecast further ahead than a year is none.
constexpr Duration ahead_max = std::chrono::days{366};

// More boundaries than a year of hours has: then a limit lets nothing through.
constexpr int boundaries_max = 10'000;

// A pause ends a little after the reset: what is due by then is over.
constexpr Duration reset_slack = std::chrono::seconds{5};

// Less than half a job is none.
constexpr double job_rest = 0.5;

// A lane on its way through time.
class Forecast {
 public:
  Forecast(const EtaLane& lane, WallTime start)
      : windows_(lane.windows), open_(static_cast<double>(lane.open)), at_(start) {
    jobs_per_ns_ = lane.per_minute / 60e9;
    std::erase_if(windows_, [](const EtaWindow& w) { return w.per_job <= 0; });
  }

  [[nodiscard]] WallTime at() const { return at_; }

  enum class Step : std::uint8_t { done, reset, pause, never };

  // Works until all is done, a window begins anew, or one is used up; then waits for its reset.
  Step advance() {
    begin_windows();
    double jobs = open_;
    std::optional<WallTime> reset;
    for (const EtaWindow& window : windows_) {
      jobs = std::min(jobs, window.left / window.per_job);
      if (!reset || *window.resets_at < *reset) reset = window.resets_at;
    }
    const double work_ns = jobs / jobs_per_ns_;
    if (work_ns > static_cast<double>(ahead_max.count())) return Step::never;
    const WallTime worked = at_ + Duration{std::llround(work_ns)};
    if (reset && *reset < worked) {
      use(static_cast<double>((*reset - at_).count()) * jobs_per_ns_);
      at_ = *reset;
      return Step::reset;
    }
    use(jobs);
    at_ = worked;
    if (open_ < job_rest) return Step::done;
    for (const EtaWindow& window : windows_) {
      if (window.left < window.per_job) at_ = std::max(at_, *window.resets_at);
    }
    return Step::pause;
  }

 private:
  // Windows that are over begin anew; each has its next reset from here on.
  void begin_windows() {
    for (EtaWindow& window : windows_) {
      if (window.resets_at && *window.resets_at > at_ + reset_slack) continue;
      if (window.resets_at) window.left = window.threshold;
      const WallTime after = window.resets_at ? std::max(at_, *window.resets_at) : at_;
      window.resets_at = next_reset(window, after);
    }
  }

  static WallTime next_reset(const EtaWindow& window, WallTime after) {
    const Reset& reset = window.reset;
    if (reset.kind == Reset::Kind::rolling) return after + window.window;
    if (reset.kind == Reset::Kind::daily) return reset.zone.next_daily(after, reset.time_of_day);
    return reset.zone.next_monthly(after, reset.day_of_month, reset.time_of_day);
  }

  void use(double jobs) {
    open_ -= jobs;
    for (EtaWindow& window : windows_) window.left -= jobs * window.per_job;
  }

  std::vector<EtaWindow> windows_;
  double open_;
  double jobs_per_ns_ = 0;
  WallTime at_;
};

}  // namespace

UsePerJob use_per_job(const store::CallCounts& calls, std::int64_t jobs_ended) {
  if (jobs_ended == 0) return {1};
  const auto jobs = static_cast<double>(jobs_ended);
  const auto input = static_cast<double>(calls.input_tokens) / jobs;
  const auto output = static_cast<double>(calls.output_tokens) / jobs;
  // In the order of Resource; nobody counts characters.
  return {std::max(1.0, static_cast<double>(calls.sent) / jobs),
          input + output,
          input,
          output,
          static_cast<double>(calls.images) / jobs,
          0};
}

std::vector<EtaWindow> eta_windows(const Lanes& lanes, LaneId lane,
                                   const std::vector<LimitView>& views, const UsePerJob& use) {
  std::vector<EtaWindow> windows;
  for (const LimitView& view : views) {
    const Limit* limit = limit_behind(lanes, lane, view.limit);
    if (!view.is_long || limit == nullptr || view.threshold <= 0) continue;
    const auto left = static_cast<double>(std::max<std::int64_t>(view.threshold - view.used, 0));
    windows.push_back({left, static_cast<double>(view.threshold), use[index_of(view.resource)],
                       view.resets_at, limit->window, limit->reset});
  }
  return windows;
}

std::optional<Eta> eta_of(const EtaLane& lane, WallTime now) {
  if (lane.open == 0) return Eta{now, 0};
  const LaneState state = lane.status.state;
  if (lane.per_minute <= 0 || needs_person(state)) return std::nullopt;
  Eta eta{now, state == LaneState::paused ? 1 : 0};
  Forecast forecast{lane, std::max(now, lane.status.until.value_or(now))};
  for (int i = 0; i < boundaries_max; ++i) {
    const auto step = forecast.advance();
    eta.finish_at = forecast.at();
    if (step == Forecast::Step::never || eta.finish_at - now > ahead_max) return std::nullopt;
    if (step == Forecast::Step::done) return eta;
    if (step == Forecast::Step::pause) ++eta.pauses;
  }
  return std::nullopt;
}

std::optional<Eta> later_of(const std::optional<Eta>& a, const std::optional<Eta>& b) {
  if (!a || !b) return std::nullopt;
  return Eta{std::max(a->finish_at, b->finish_at), std::max(a->pauses, b->pauses)};
}

}  // namespace ratebatch::run
