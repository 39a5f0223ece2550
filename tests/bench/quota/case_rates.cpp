// Known limits, tokens beside requests, unknown limits, and a window that may be filled at once.
#include <fmt/format.h>

#include <algorithm>

#include "bench/quota/cases.hpp"

namespace ratebatch::quota_bench {
namespace {

Network rough_network() {
  Network network;
  network.way_there = {milliseconds{20}, milliseconds{200}};
  network.way_back = {milliseconds{20}, milliseconds{50}};
  network.stalled_commits_per_mille = 2;
  return network;
}

// What a server gives who asks whenever there is something, from its first moment.
std::int64_t ideal(const ServerLimit& limit, WallTime begin, Duration how_long,
                   std::int64_t piece) {
  const auto limiter = limit.make();
  std::int64_t granted = 0;
  for (WallTime at = begin; at < begin + how_long;) {
    const Duration wait = limiter->wait(at, piece);
    if (wait > Duration{}) {
      at = at + wait;
      continue;
    }
    limiter->charge(at, piece);
    granted += piece;
  }
  return granted;
}

double ratio(std::int64_t a, double b) { return static_cast<double>(a) / b; }

double allowed(std::int64_t amount, Duration window, Duration how_long) {
  return static_cast<double>(amount) * static_cast<double>(how_long.count()) /
         static_cast<double>(window.count());
}

Situation::Setup one_lane(Limits limits, ServerLane served, std::int64_t jobs) {
  Situation::Setup setup;
  setup.lanes.lanes = {{"text", std::move(limits)}};
  setup.jobs = {{route_of(0), jobs}};
  setup.served.push_back(std::move(served));
  setup.network = rough_network();
  setup.workers = 64;
  return setup;
}

}  // namespace

Use known_limit(Server server, std::int64_t amount, Duration window, Duration how_long,
                Jitter jitter) {
  const ServerLimit limit = served_limit(server, Resource::requests, amount, window);
  ServerLane served;
  served.limits = {limit};
  served.service = {milliseconds{300}, milliseconds{300}};
  const double most = allowed(amount, window, how_long);
  auto setup = one_lane(limits_of({limit_of(Resource::requests, amount, window)}),
                        std::move(served), static_cast<std::int64_t>(most) * 2 + 1000);
  if (jitter == Jitter::wandering) setup.network.wander_per_mille = 5;
  const WallTime begin = setup.start.wall;
  Situation situation{std::move(setup)};
  situation.run_for(how_long);
  Use use;
  use.granted = situation.granted(first_lane, {}, how_long);
  use.refused = situation.refused();
  use.of_rate = ratio(use.granted, most);
  use.of_ideal = ratio(use.granted, static_cast<double>(ideal(limit, begin, how_long, 1)));
  return use;
}

double sure_share(Server server, std::int64_t amount, Duration window) {
  constexpr Duration nearer = milliseconds{180};
  const std::int64_t capacity = server == Server::bucket_1    ? 1
                                : server == Server::bucket_10 ? std::min<std::int64_t>(10, amount)
                                                              : amount;
  // So many may come at one instant, and one interval later one more must fit. A bucket of many
  // only has to hold what 180 ms bring together.
  const bool is_log = server == Server::fixed || server == Server::sliding;
  const double interval = static_cast<double>(window.count()) / static_cast<double>(amount);
  const auto lost = static_cast<double>(nearer.count());
  if (is_log)
    return interval * static_cast<double>(amount) / (interval * static_cast<double>(amount) + lost);
  return std::min(1.0, interval * static_cast<double>(capacity) / (interval + lost));
}

namespace {

std::vector<Report> known_rows(Jitter jitter) {
  struct Row {
    const char* name;
    std::int64_t amount;
    Duration window;
  };
  std::vector<Report> reports;
  for (const Row& row : {Row{"600/min", 600, minutes{1}}, Row{"20/s", 20, seconds{1}},
                         Row{"20/min", 20, minutes{1}}}) {
    for (const Server server : {Server::fixed, Server::sliding, Server::bucket_full,
                                Server::bucket_10, Server::bucket_1}) {
      const Use use = known_limit(server, row.amount, row.window, hours{1}, jitter);
      Report report;
      report.what = fmt::format("known limit {}, paced; {}{}", row.name, to_string(server),
                                jitter == Jitter::each ? "; overtaking" : "");
      report.measured = fmt::format("{} granted in an hour", use.granted);
      report.floor =
          fmt::format("the limit's rate: {:.0f}", allowed(row.amount, row.window, hours{1}));
      if (jitter == Jitter::each) {
        report.floor += fmt::format("; sure of no refusal: {:.0f} %",
                                    100 * sure_share(server, row.amount, row.window));
      }
      report.figures = {share("", use.of_rate, 97),
                        count_at_most("refused", static_cast<double>(use.refused), 0)};
      report.notes = {fmt::format(
          "{:.2f} % of what a client that knows everything would get there.", 100 * use.of_ideal)};
      reports.push_back(std::move(report));
    }
  }
  return reports;
}

}  // namespace

std::vector<Report> known_limit_rows() { return known_rows(Jitter::wandering); }

std::vector<Report> overtaking_rows() { return known_rows(Jitter::each); }

Use tokens_and_requests(Server server, Duration how_long) {
  constexpr std::int64_t tpm = 200'000;
  constexpr std::int64_t input_tokens = 200;
  const ServerLimit limit = served_limit(server, Resource::tokens, tpm, minutes{1});
  ServerLane served;
  served.limits = {limit, served_limit(server, Resource::requests, 150, minutes{1})};
  served.service = {seconds{1}, seconds{3}};
  served.usage = [](std::int64_t job) {
    Usage usage;
    usage.input_tokens = input_tokens;
    usage.output_tokens = drawn(job, 300, 3000) - input_tokens;
    return usage;
  };
  const double most = allowed(tpm, minutes{1}, how_long);
  auto setup = one_lane(limits_of({limit_of(Resource::requests, 150, minutes{1}),
                                   limit_of(Resource::tokens, tpm, minutes{1})}),
                        std::move(served), static_cast<std::int64_t>(most) / 1000 + 1000);
  setup.jobs[0].size.input_bytes = input_tokens * 4;
  Situation situation{std::move(setup)};
  situation.run_for(how_long);
  Use use;
  for (const Arrival& arrival : situation.server().log()) use.granted += arrival.tokens;
  use.refused = situation.refused();
  use.of_rate = ratio(use.granted, most);
  return use;
}

std::vector<Report> tokens_rows() {
  std::vector<Report> reports;
  for (const Server server : {Server::fixed, Server::sliding, Server::bucket_full}) {
    const Use use = tokens_and_requests(server, hours{1});
    Report report;
    report.what = fmt::format("TPM 200,000 and 150 requests/min, jobs of 300 to 3,000 tokens; {}",
                              to_string(server));
    report.measured = fmt::format("{} tokens in an hour", use.granted);
    report.floor = "the limit's rate: 12,000,000";
    report.figures = {share("", use.of_rate, 95),
                      count_at_most("refused", static_cast<double>(use.refused), 0)};
    reports.push_back(std::move(report));
  }
  return reports;
}

UnknownUse unknown_limit(Server server) {
  constexpr std::int64_t amount = 600;
  ServerLane served;
  served.limits = {served_limit(server, Resource::requests, amount, minutes{1})};
  served.service = {milliseconds{300}, milliseconds{300}};
  Situation situation{one_lane(unknown_limits(), std::move(served), 200'000)};
  UnknownUse result;
  situation.run_for(hours{1});
  result.whole.granted = situation.granted(first_lane, {}, hours{1});
  result.whole.refused = situation.refused({}, hours{1});
  result.whole.of_rate = ratio(result.whole.granted, 36'000);
  result.settled.granted = situation.granted(first_lane, minutes{10}, hours{1});
  result.settled.refused = situation.refused(minutes{10}, hours{1});
  result.settled.of_rate = ratio(result.settled.granted, 30'000);
  situation.server().limiter(first_lane, KeyId{0}, 0).set_amount(amount / 2);
  situation.run_for(minutes{62});
  result.refused_after_halving = situation.refused(minutes{60}, minutes{62});
  result.arrived_after_halving = situation.arrived(first_lane, minutes{60}, minutes{62});
  return result;
}

std::vector<Report> unknown_limit_rows() {
  std::vector<Report> reports;
  for (const Server server : {Server::fixed, Server::sliding, Server::bucket_10}) {
    const UnknownUse use = unknown_limit(server);
    const double arrived = static_cast<double>(use.whole.granted + use.whole.refused);
    Report report;
    report.what = fmt::format("unknown limit, no headers; really 600/min, {}", to_string(server));
    report.measured =
        fmt::format("{} granted, {} refused in an hour", use.whole.granted, use.whole.refused);
    report.floor = "the limit's rate: 36,000";
    const double refused = 100 * static_cast<double>(use.whole.refused) / std::max(arrived, 1.0);
    report.figures = {
        share("minutes 10 to 60: ", use.settled.of_rate, 90),
        {refused, fmt::format("{:.2f} % refused", refused), 1, "at most 1 % refused", false},
        count_at_most("refused after halving", static_cast<double>(use.refused_after_halving), 20)};
    report.notes = {
        fmt::format("Minutes 10 to 60: {} refused. The two minutes after halving: {} "
                    "requests, 600 allowed.",
                    use.settled.refused, use.arrived_after_halving)};
    reports.push_back(std::move(report));
  }
  return reports;
}

WindowRun fifty_per_ten_seconds(Told told) {
  ServerLane served;
  served.limits = {served_limit(Server::sliding, Resource::requests, 50, seconds{10})};
  served.headers = told == Told::headers;
  const Shape shape = told == Told::shape ? Shape::window : Shape::paced;
  auto setup = one_lane(limits_of({limit_of(Resource::requests, 50, seconds{10}, shape)}),
                        std::move(served), 200);
  setup.network = {};
  setup.network.way_there = {milliseconds{1}, milliseconds{3}};
  setup.workers = 16;
  Situation situation{std::move(setup)};
  situation.run_for(minutes{10});
  WindowRun run;
  const auto& log = situation.server().log();
  if (!log.empty()) {
    const Duration last = log.back().at - ordinary_start().wall;
    run.seconds = std::chrono::duration<double>(last).count() + 0.1;
  }
  run.refused = situation.refused();
  run.done = situation.rehearsal().counts().done;
  return run;
}

std::vector<Report> window_rows() {
  struct Row {
    const char* name;
    Told told;
    double target;
  };
  std::vector<Report> reports;
  for (const Row& row : {Row{"declared `shape: window`", Told::shape, 31},
                         Row{"declared, shape not; rate headers", Told::headers, 31},
                         Row{"declared, shape not; no headers", Told::nothing, 41}}) {
    const WindowRun run = fifty_per_ten_seconds(row.told);
    Report report;
    report.what = fmt::format("200 jobs, 50 in any 10 s, 100 ms, 16 workers; {}", row.name);
    report.measured = fmt::format("{} of 200 done in {:.2f} s", run.done, run.seconds);
    report.floor = "ideal: 30.4 s";
    report.figures = {seconds_at_most("", run.done == 200 ? run.seconds : 600, row.target),
                      count_at_most("refused", static_cast<double>(run.refused), 0)};
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace ratebatch::quota_bench
