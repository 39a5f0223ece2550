#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ratebatch/base/integers.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/run/plan.hpp"

namespace ratebatch::run {
namespace {

constexpr std::int64_t pico_usd_per_cent = pico_usd_per_usd / 100;

constexpr std::array<char, activity_count> marks = {' ', '#', '=', '.'};  // By Activity.

// Cents, rounded up: a plan that says less than the bill is worse than the other way round.
std::string cost_text(std::int64_t pico_usd) {
  const std::int64_t cents = divide_up(pico_usd, pico_usd_per_cent);
  return fmt::format("{}.{:02} USD", grouped(cents / 100), cents % 100);
}

std::string cost_of(const Plan& plan) {
  if (plan.has_price) return cost_text(plan.cost_pico_usd);
  if (plan.cost_pico_usd == 0) return "not known: no prices";
  return "at least " + cost_text(plan.cost_pico_usd) + ": not every model has a price";
}

std::string usage_text(const Usage& usage) {
  std::string text;
  const auto add = [&](std::int64_t amount, std::string_view what) {
    if (amount != 0) add_to_list(text, fmt::format("{} {}", grouped(amount), what));
  };
  add(usage.input_tokens, "input tokens");
  add(usage.output_tokens, "output tokens");
  add(usage.images, "images");
  add(usage.characters, "characters");
  return text.empty() ? "not known" : text;
}

std::string finish_text(const Plan& plan, const TimeZone& zone) {
  if (plan.complete) {
    return fmt::format("{}, after {}", zone.format(plan.finish_at), format_duration(plan.takes));
  }
  if (plan.reason == action::FinishReason::no_key) return "never: a lane has no usable key";
  return fmt::format("never: {} of {} jobs would be left",
                     grouped(plan.jobs - plan.done - plan.failed), grouped(plan.jobs));
}

std::size_t widest_model(const Plan& plan) {
  std::size_t widest = 0;
  for (const PlanLane& lane : plan.lanes) {
    if (lane.jobs > 0) widest = std::max(widest, lane.model.size());
  }
  return widest;
}

std::string times_text(const PlanLane& lane) {
  std::string text;
  for (const Activity activity :
       {Activity::working, Activity::paced, Activity::paused, Activity::idle}) {
    if (lane.time(activity) < std::chrono::seconds{1}) continue;
    add_to_list(text,
                fmt::format("{} {}", to_string(activity), format_duration(lane.time(activity))));
  }
  if (lane.pauses > 0) text += " (" + counted(lane.pauses, "pause", "pauses") + ")";
  return text;
}

std::string assumption_text(const Plan& plan, const PlanInput& input) {
  std::string text;
  for (std::size_t i = 0; i < plan.lanes.size(); ++i) {
    const LaneAssumption& assumption = input.assumptions[i];
    if (plan.lanes[i].jobs == 0 || !assumption.is_assumed) continue;
    const auto seconds = std::chrono::duration<double>(assumption.latency).count();
    text += fmt::format(
        "assumed     {} answers in {:.2f} s (nothing seen yet; --latency says otherwise)\n",
        plan.lanes[i].model, seconds);
  }
  return text;
}

}  // namespace

std::string plan_report(const Plan& plan, const PlanInput& input, const TimeZone& zone) {
  std::string text = fmt::format("jobs        {}, {} workers\n", grouped(plan.jobs), plan.workers);
  text += "finish      " + finish_text(plan, zone) + "\n";
  if (!plan.bottleneck.empty()) text += "bottleneck  " + plan.bottleneck + "\n";
  if (plan.pauses > 0) text += fmt::format("pauses      {}\n", plan.pauses);
  if (plan.failed > 0) {
    text += fmt::format("failed      {}: larger than a limit allows\n", grouped(plan.failed));
  }
  text += "uses        " + usage_text(plan.usage) + "\n";
  text += "cost        " + cost_of(plan) + "\n";
  const std::size_t width = widest_model(plan);
  for (const PlanLane& lane : plan.lanes) {
    if (lane.jobs == 0) continue;
    text += fmt::format("  {:{}}  {} jobs: {}\n", lane.model, width, grouped(lane.jobs),
                        times_text(lane));
  }
  return text + assumption_text(plan, input);
}

std::string plan_chart(const Plan& plan) {
  const std::size_t width = widest_model(plan);
  std::string text;
  for (const PlanLane& lane : plan.lanes) {
    if (lane.jobs == 0) continue;
    text += fmt::format("{:{}} |", lane.model, width);
    for (const Activity activity : lane.timeline) text += marks[static_cast<std::size_t>(activity)];
    text += "|\n";
  }
  if (text.empty()) return text;
  const std::string end = format_duration(plan.takes);
  text += fmt::format("{:{}}  0{:>{}}\n", "", width, end, timeline_buckets - 1);
  return text + "# working  = paced  . paused\n";
}

std::string plan_rows(std::span<const PlanRow> rows, const TimeZone& zone) {
  std::size_t width = 0;
  for (const PlanRow& row : rows) width = std::max(width, row.variant.size());
  std::string text;
  for (const PlanRow& row : rows) {
    text += fmt::format("{:{}}  {}", row.variant, width, finish_text(row.plan, zone));
    if (!row.plan.bottleneck.empty()) text += "; bottleneck " + row.plan.bottleneck;
    text += "\n";
  }
  return text;
}

std::string workers_text(std::int32_t needed, std::int32_t workers_max) {
  if (needed >= workers_max) {
    return fmt::format("workers     {} or more: fewer finish later\n", workers_max);
  }
  return fmt::format("workers     {} finish{} as early as {}\n", needed, needed == 1 ? "es" : "",
                     workers_max);
}

std::string deadline_text(const DeadlineCheck& check, const Plan& plan, Duration deadline) {
  const std::string limit = format_duration(deadline);
  if (check.met) {
    return fmt::format("deadline    {} is met, with {} to spare\n", limit,
                       format_duration(deadline - plan.takes));
  }
  const std::string by = plan.complete ? ", by " + format_duration(plan.takes - deadline) : "";
  std::string text = fmt::format("deadline    {} is not met{}", limit, by);
  if (!check.reachable) {
    return text +
           fmt::format("; not even {} workers and larger limits reach it\n", deadline_workers_max);
  }
  text += "; it would take\n";
  for (const LimitNeed& need : check.limits) {
    text += fmt::format("              {}: {} instead of {}\n", need.limit, grouped(need.needed),
                        grouped(need.amount));
  }
  if (check.workers) text += fmt::format("              --workers {}\n", *check.workers);
  return text;
}

std::string waves_text(const Waves& waves) {
  return fmt::format("{}x{}s", waves.size,
                     std::chrono::duration_cast<std::chrono::seconds>(waves.delay).count());
}

Lanes with_waves(Lanes lanes, const Waves& waves) {
  const bool some = std::any_of(lanes.lanes.begin(), lanes.lanes.end(),
                                [](const LaneSettings& lane) { return lane.waves.has_value(); });
  for (const RouteSettings& route : lanes.routes) {
    LaneSettings& lane = lanes.lanes[index_of(route.lane)];
    if (some ? lane.waves.has_value() : route.estimate.images > 0) lane.waves = waves;
  }
  return lanes;
}

}  // namespace ratebatch::run
