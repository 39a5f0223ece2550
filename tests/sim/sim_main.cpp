// The simulator as a program:
//   ratebatch_sim [--first SEED] [--seeds N] [--canary] [--verbose]
// Runs N seeds from the first one. Every 16th is run twice and must give the same trace. Exits 1 at
// the first broken invariant, after printing how to have it again. With --canary a bug is planted
// in the store, and it exits 0 only if the invariants found it.
#include <fmt/format.h>

#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <string>

#include "sim/sim_world.hpp"

namespace {

using ratebatch::sim::SimOptions;
using ratebatch::sim::SimReport;

struct Arguments {
  std::uint64_t first = 1;
  std::uint64_t seeds = 1000;
  bool canary = false;
  bool verbose = false;
};

bool parse(int argc, char** argv, Arguments& arguments) {
  for (int i = 1; i < argc; ++i) {
    const std::string name = argv[i];
    const bool has_value = i + 1 < argc;
    if (name == "--canary") {
      arguments.canary = true;
    } else if (name == "--verbose") {
      arguments.verbose = true;
    } else if (name == "--first" && has_value) {
      arguments.first = std::strtoull(argv[++i], nullptr, 10);
    } else if (name == "--seeds" && has_value) {
      arguments.seeds = std::strtoull(argv[++i], nullptr, 10);
    } else {
      fmt::print(stderr,
                 "usage: ratebatch_sim [--first SEED] [--seeds N] [--canary] [--verbose]\n");
      return false;
    }
  }
  return true;
}

void report_violation(const SimOptions& options, const std::string& what) {
  fmt::print("seed {}: {}\n{}\nagain: ./dev sim --first {} --seeds 1 --verbose\n", options.seed,
             what, describe(options), options.seed);
}

// What a run of many seeds reached: a simulation that never meets a crash or a 429 proves nothing.
struct Reached {
  std::int64_t sends = 0;
  std::int64_t crashes = 0;
  std::int64_t done = 0;
  std::int64_t failed = 0;
  std::int64_t held = 0;
  std::int64_t resent = 0;
  std::int64_t rate_limited = 0;
  std::int64_t fetched = 0;
  std::int64_t lost = 0;
  std::int64_t rejected = 0;

  void add(const SimReport& report) {
    sends += report.sends;
    crashes += report.crashes;
    done += report.done;
    failed += report.failed;
    held += report.held;
    resent += report.resent;
    rate_limited += report.rate_limited;
    fetched += report.fetched;
    lost += report.lost;
    rejected += report.rejected;
  }
  [[nodiscard]] bool everything() const {
    return crashes > 0 && done > 0 && failed > 0 && held > 0 && resent > 0 && rate_limited > 0 &&
           fetched > 0 && lost > 0 && rejected > 0;
  }
};

int run_seeds(const Arguments& arguments) {
  Reached reached;
  std::uint64_t violations = 0;
  for (std::uint64_t seed = arguments.first; seed < arguments.first + arguments.seeds; ++seed) {
    SimOptions options = ratebatch::sim::options_of_seed(seed);
    if (arguments.canary) {
      options.canary = true;
      options.crash_per_mille = 20;
      options.crashes_max = 5;
    }
    const SimReport report = ratebatch::sim::simulate(options);
    reached.add(report);
    if (report.violation) ++violations;
    if (report.violation && !arguments.canary) {
      report_violation(options, *report.violation);
      return 1;
    }
    if (seed % 16 == 0 && ratebatch::sim::simulate(options).trace_hash != report.trace_hash) {
      report_violation(options, "the same seed gave another trace");
      return 1;
    }
    if (arguments.verbose) {
      fmt::print("seed {}: trace {:016x}, {} sends, {} crashes, {} done, {} failed, {} held\n",
                 seed, report.trace_hash, report.sends, report.crashes, report.done, report.failed,
                 report.held);
    }
  }
  if (arguments.canary) {
    fmt::print("planted bug: found in {} of {} seeds\n", violations, arguments.seeds);
    return violations > 0 ? 0 : 1;
  }
  fmt::print(
      "{} seeds: {} sends, {} crashes, {} done, {} failed, {} held, {} resent, {} refused, "
      "{} fetched, {} lost, {} rejected; no invariant broken\n",
      arguments.seeds, reached.sends, reached.crashes, reached.done, reached.failed, reached.held,
      reached.resent, reached.rate_limited, reached.fetched, reached.lost, reached.rejected);
  if (arguments.seeds >= 100 && !reached.everything()) {
    fmt::print("but some kind of event never happened: the simulation proves too little\n");
    return 1;
  }
  return 0;
}

}  // namespace

int main(int argc, char** argv) {
  Arguments arguments;
  if (!parse(argc, argv, arguments)) return 2;
  return run_seeds(arguments);
}
