// Several lanes at once: five keys and two models; one lane out for an hour.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "bench/quota/cases.hpp"

namespace ratebatch::quota_bench {
namespace {

constexpr std::size_t keys = 5;
constexpr LaneId text{0};
constexpr LaneId image{1};

// (most - least) / most of what the keys were granted.
double spread(const std::array<std::int64_t, keys>& granted) {
  const auto [least, most] = std::minmax_element(granted.begin(), granted.end());
  return *most == 0 ? 1 : static_cast<double>(*most - *least) / static_cast<double>(*most);
}

std::int64_t sum(const std::array<std::int64_t, keys>& granted) {
  std::int64_t all = 0;
  for (const std::int64_t each : granted) all += each;
  return all;
}

double minutes_of(Duration d) { return std::chrono::duration<double, std::ratio<60>>(d).count(); }

}  // namespace

KeysRun five_keys(bool with_images, Duration how_long) {
  const auto lane_of = [](std::int64_t amount, Duration service) {
    ServerLane lane;
    lane.limits = {served_limit(Server::sliding, Resource::requests, amount, minutes{1})};
    lane.service = {service, service};
    return lane;
  };
  Situation::Setup setup;
  setup.lanes.keys = keys;
  setup.lanes.separate = true;
  setup.lanes.lanes = {{"text", limits_of({limit_of(Resource::requests, 900, minutes{1})})},
                       {"image", limits_of({limit_of(Resource::requests, 18, minutes{1})})}};
  setup.jobs = {{route_of(0), 1'000'000}, {route_of(1), with_images ? 1'000'000 : 0}};
  setup.served.push_back(lane_of(900, seconds{2}));
  setup.served.push_back(lane_of(18, seconds{5}));
  setup.network.way_there = {milliseconds{20}, milliseconds{60}};
  setup.workers = 256;
  Situation situation{std::move(setup)};
  situation.run_for(how_long);

  std::array<std::array<std::int64_t, keys>, 2> granted{};
  for (const Arrival& arrival : situation.server().log()) {
    if (arrival.kind == OutcomeClass::done) {
      ++granted[index_of(arrival.lane)][index_of(arrival.key)];
    }
  }
  KeysRun run;
  run.text = sum(granted[index_of(text)]);
  run.text_of_rate = static_cast<double>(run.text) / (900.0 * keys * minutes_of(how_long));
  run.image_of_rate =
      static_cast<double>(sum(granted[index_of(image)])) / (18.0 * keys * minutes_of(how_long));
  run.text_spread = spread(granted[index_of(text)]);
  run.image_spread = spread(granted[index_of(image)]);
  run.refused = situation.refused();
  return run;
}

std::vector<Report> keys_rows() {
  const KeysRun both = five_keys(true, hours{1});
  const KeysRun alone = five_keys(false, hours{1});
  const double with_images =
      static_cast<double>(both.text) / static_cast<double>(std::max<std::int64_t>(1, alone.text));
  const auto apart = [](const char* name, double value) {
    return Figure{100 * value, fmt::format("{} keys {:.2f} % apart", name, 100 * value), 2,
                  fmt::format("{} keys at most 2 % apart", name), false};
  };
  Report report;
  report.what = "5 keys x 2 models: text 900/min, 2 s; image 18/min, 5 s; 256 workers, an hour";
  report.measured = fmt::format("text {:.2f} %, image {:.2f} % of their limits",
                                100 * both.text_of_rate, 100 * both.image_of_rate);
  report.floor = fmt::format("text without images: {:.2f} %", 100 * alone.text_of_rate);
  report.figures = {share("text ", both.text_of_rate, 97),
                    share("image ", both.image_of_rate, 97),
                    apart("text", both.text_spread),
                    apart("image", both.image_spread),
                    share("text beside images: ", with_images, 99.9),
                    count_at_most("refused", static_cast<double>(both.refused), 0)};
  return {report};
}

OutageRun one_lane_out(OutcomeClass kind, Duration out_for) {
  constexpr std::int64_t per_minute = 600;
  constexpr std::int64_t per_ten_seconds = per_minute / 6;
  constexpr LaneId out{1};
  const Duration from = minutes{10};
  const Duration until = from + out_for;
  const Duration end = until + minutes{3};
  Situation::Setup setup;
  for (const char* name : {"a", "b", "c"}) {
    setup.lanes.lanes.push_back(
        {name, limits_of({limit_of(Resource::requests, per_minute, minutes{1})})});
    ServerLane served;
    served.limits = {served_limit(Server::sliding, Resource::requests, per_minute, minutes{1})};
    served.service = {milliseconds{400}, milliseconds{800}};
    setup.served.push_back(std::move(served));
  }
  for (std::int32_t i = 0; i < 3; ++i) setup.jobs.push_back({route_of(i), 1'000'000});
  setup.network.way_there = {milliseconds{20}, milliseconds{100}};
  setup.network.way_back = {milliseconds{20}, milliseconds{100}};
  setup.workers = 64;
  const WallTime begin = setup.start.wall;
  setup.served[index_of(out)].outage = Outage{begin + from, begin + until, kind};
  Situation situation{std::move(setup)};
  situation.run_for(end);

  OutageRun run;
  const double minutes_out = minutes_of(out_for);
  const std::int64_t others =
      situation.granted(LaneId{0}, from, until) + situation.granted(LaneId{2}, from, until);
  run.others_of_rate = static_cast<double>(others) / (2.0 * per_minute * minutes_out);
  run.before_of_rate = static_cast<double>(situation.granted(out, {}, from)) / (10.0 * per_minute);
  const Duration tripped = from + seconds{35};
  run.probes = situation.arrived(out, tripped, until);
  run.probes_due = std::chrono::duration<double>(until - tripped).count() / 30;
  run.latency_s = 1.0;
  run.full_speed_after_s = std::chrono::duration<double>(end - until).count();
  for (Duration at = until; at < end - seconds{10}; at += milliseconds{100}) {
    const std::int64_t granted = situation.granted(out, at, at + seconds{10});
    if (granted * 100 < per_ten_seconds * 95) continue;
    run.full_speed_after_s = std::chrono::duration<double>(at - until).count();
    break;
  }
  run.failed = situation.rehearsal().counts().failed;
  run.refused = situation.refused();
  return run;
}

std::vector<Report> outage_rows() {
  struct Row {
    const char* name;
    OutcomeClass kind;
  };
  std::vector<Report> reports;
  for (const Row& row :
       {Row{"503", OutcomeClass::overloaded}, Row{"connection refused", OutcomeClass::network}}) {
    const OutageRun run = one_lane_out(row.kind, hours{1});
    Report report;
    report.what = fmt::format("one lane of three out for an hour ({}), 600/min each", row.name);
    report.measured = fmt::format("{} probes; the others at {:.2f} %; full speed after {:.1f} s",
                                  run.probes, 100 * run.others_of_rate, run.full_speed_after_s);
    report.floor = fmt::format("before, the lane itself: {:.2f} %", 100 * run.before_of_rate);
    report.figures = {count_at_most("probes", static_cast<double>(run.probes), run.probes_due + 1),
                      share("others ", run.others_of_rate, 97),
                      seconds_at_most("full speed ", run.full_speed_after_s, 35 + run.latency_s),
                      count_at_most("failed", static_cast<double>(run.failed), 0)};
    report.figures[0].target_text = "one probe per 30 s";
    report.notes = {fmt::format("{} refused.", run.refused)};
    reports.push_back(std::move(report));
  }
  return reports;
}

}  // namespace ratebatch::quota_bench
