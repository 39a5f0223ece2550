#include "sim/sim_options.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ratebatch/base/random.hpp"

namespace ratebatch::sim {

namespace {

// Long limits, tokens, groups of keys, money, and other ways to do a job.
void add_limits(SimOptions& o, Rng& rng) {
  o.separate_keys = rng.chance(400);
  o.server_gives_headers = rng.chance(400);
  o.fallback = o.models > 1 && rng.chance(250);
  o.typo = rng.chance(80);
  if (rng.chance(250)) o.configured_tokens = rng.between(20, 5000);
  if (rng.chance(150)) {
    o.waves = static_cast<std::int32_t>(rng.between(1, 6));
    o.waves_delay = std::chrono::milliseconds{rng.between(0, 20'000)};
  }
  if (rng.chance(350)) {
    o.day_requests = rng.between(std::max<std::int64_t>(3, o.jobs / 8), o.jobs + 10);
    o.day_rolling = rng.chance(500);
    o.pause_at_per_mille = static_cast<std::int32_t>(rng.between(400, 1000));
    o.no_wait = rng.chance(300);
  }
  if (rng.chance(100)) o.cost_max = rng.between(0, o.jobs * 8000);
}

}  // namespace

SimOptions options_of_seed(std::uint64_t seed) {
  Rng rng{seed};
  // Half of the features are off in any one run: faults that never meet show more.
  const auto sometimes = [&](std::uint64_t per_mille_max) {
    return rng.chance(500) ? rng.below(per_mille_max) + 1 : 0;
  };
  const auto ms = [&](std::int64_t low, std::int64_t high) {
    return Duration{std::chrono::milliseconds{rng.between(low, high)}};
  };
  SimOptions o;
  o.seed = seed;
  o.jobs = rng.between(1, rng.chance(100) ? 700 : 60);
  o.types = static_cast<std::int32_t>(rng.between(1, 3));
  o.models = static_cast<std::int32_t>(rng.between(1, 3));
  o.keys = static_cast<std::int32_t>(rng.between(1, 3));
  o.workers = static_cast<std::int32_t>(rng.chance(200) ? 1 : rng.between(2, 24));
  o.priorities = static_cast<std::int32_t>(rng.between(1, 4));
  o.on_unknown = rng.chance(250) ? UnknownPolicy::hold : UnknownPolicy::retry;
  if (rng.chance(400)) o.configured_concurrency = static_cast<std::int32_t>(rng.between(1, 6));
  if (rng.chance(500)) {
    o.configured_requests = rng.between(1, 300);
    o.configured_window = ms(200, 60'000);
  }
  if (rng.chance(500)) {
    o.algorithm = static_cast<ServerAlgorithm>(rng.between(1, 3));
    o.server_requests = rng.between(1, 100);
    o.server_window = ms(500, 30'000);
  }
  if (rng.chance(250)) o.server_concurrency = static_cast<std::int32_t>(rng.between(1, 8));
  o.server_gives_hints = rng.chance(700);
  o.latency_min = ms(1, 400);
  o.latency_max = o.latency_min + ms(0, 3000);
  o.error_per_mille = sometimes(200);
  o.break_per_mille = sometimes(150);
  o.garbage_per_mille = sometimes(60);
  o.permanent_per_mille = sometimes(150);
  o.key_refused_per_mille = sometimes(50);
  o.outage = rng.chance(150);
  if (rng.chance(600)) {
    o.crash_per_mille = rng.below(40) + 1;
    o.crashes_max = static_cast<std::int32_t>(rng.between(1, 6));
  }
  o.no_room_per_mille = rng.chance(200) ? rng.below(100) + 1 : 0;
  o.slow_commit_per_mille = sometimes(100);
  o.clock_step_per_mille = rng.chance(200) ? rng.below(30) + 1 : 0;
  o.stops_max = static_cast<std::int32_t>(rng.chance(300) ? rng.between(1, 3) : 0);
  if (rng.chance(150)) o.slice_jobs = rng.between(1, 40);
  if (rng.chance(300)) o.answers_per_turn = static_cast<std::int32_t>(rng.between(1, 5));
  add_limits(o, rng);
  o.empty_per_mille = sometimes(40);
  o.refused_per_mille = sometimes(60);
  if (rng.chance(400)) {
    o.links_per_mille = rng.below(1000) + 1;
    o.fetch_error_per_mille = sometimes(400);
    o.fetch_gone_per_mille = sometimes(60);
  }
  return o;
}

std::string describe(const SimOptions& o) {
  return fmt::format(
      "jobs={} types={} models={} keys={} workers={} priorities={} on_unknown={}\n"
      "configured: concurrency={} requests={} per {} tokens={} day={} rolling={} pause_at={} "
      "separate_keys={} waves={} x {} fallback={} cost_max={} no_wait={}\n"
      "server: algorithm={} requests={} per {} concurrency={} hints={} headers={} typo={} "
      "latency={}..{}\n"
      "faults: error={} break={} garbage={} permanent={} key_refused={} outage={} empty={} "
      "refused={} links={} fetch_error={} fetch_gone={}\n"
      "ours: crash={} (at most {}) no_room={} slow_commit={} clock_step={} stops={} slice={} "
      "answers_per_turn={} canary={}",
      o.jobs, o.types, o.models, o.keys, o.workers, o.priorities,
      o.on_unknown == UnknownPolicy::hold ? "hold" : "retry", o.configured_concurrency,
      o.configured_requests, format_duration(o.configured_window), o.configured_tokens,
      o.day_requests, o.day_rolling, o.pause_at_per_mille, o.separate_keys, o.waves,
      format_duration(o.waves_delay), o.fallback, o.cost_max, o.no_wait,
      static_cast<int>(o.algorithm), o.server_requests, format_duration(o.server_window),
      o.server_concurrency, o.server_gives_hints, o.server_gives_headers, o.typo,
      format_duration(o.latency_min), format_duration(o.latency_max), o.error_per_mille,
      o.break_per_mille, o.garbage_per_mille, o.permanent_per_mille, o.key_refused_per_mille,
      o.outage, o.empty_per_mille, o.refused_per_mille, o.links_per_mille, o.fetch_error_per_mille,
      o.fetch_gone_per_mille, o.crash_per_mille, o.crashes_max, o.no_room_per_mille,
      o.slow_commit_per_mille, o.clock_step_per_mille, o.stops_max, o.slice_jobs,
      o.answers_per_turn, o.canary);
}

}  // namespace ratebatch::sim
