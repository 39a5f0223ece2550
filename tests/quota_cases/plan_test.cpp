// What `plan` says, by its figures and in words.
#include "ratebatch/run/plan.hpp"

#include <doctest/doctest.h>

#include <algorithm>

#include "bench/quota/situation.hpp"

namespace ratebatch::quota_bench::plan_test {

using namespace quota;
using namespace run;
using namespace schedule;

namespace {

PlanInput input_of(std::vector<JobClass> jobs, std::size_t lanes, std::int32_t workers) {
  PlanInput input;
  input.jobs = std::move(jobs);
  input.assumptions.resize(lanes);
  input.scheduler.workers = workers;
  input.start = ordinary_start();
  return input;
}

Lanes one_lane(Limits limits) {
  LanesInWords words;
  words.lanes = {{"text", std::move(limits)}};
  return make_lanes(words);
}

bool contains(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

TEST_CASE("without limits the workers are the bottleneck, and twice as many take half the time") {
  const Lanes lanes = one_lane(no_limits());
  const Plan four = make_plan(lanes, input_of({{route_of(0), 400}}, 1, 4));
  CHECK(four.complete);
  CHECK(four.done == 400);
  CHECK(four.bottleneck == "workers");
  CHECK(four.takes >= 100 * text_latency_assumed);
  CHECK(four.takes < 104 * text_latency_assumed);
  CHECK(four.lanes[0].time(Activity::working) > four.takes / 100 * 95);
  const Plan eight = make_plan(lanes, input_of({{route_of(0), 400}}, 1, 8));
  CHECK(eight.takes <= four.takes / 2 + text_latency_assumed * 3);
}

TEST_CASE("a short limit is the bottleneck by its name, and the workers it needs are few") {
  Limit rpm = limit_of(Resource::requests, 60, minutes{1});
  rpm.name = "rpm";
  const Lanes lanes = one_lane(limits_of({rpm}));
  const PlanInput input = input_of({{route_of(0), 600}}, 1, 16);
  const Plan plan = make_plan(lanes, input);
  CHECK(plan.bottleneck == "rpm of text");
  CHECK(plan.takes > minutes{10});
  CHECK(plan.takes < minutes{10} + seconds{30});
  CHECK(plan.lanes[0].time(Activity::paced) > minutes{9});
  CHECK(workers_needed(lanes, input, 16) == 2);
}

TEST_CASE("a day quota pauses the plan, and is its bottleneck") {
  const Lanes lanes = one_lane(limits_of({day_limit(1'000)}));
  PlanInput input = input_of({{route_of(0), 2'000}}, 1, 4);
  input.assumptions[0].usage = {40, 160, 0, 0};
  const Plan plan = make_plan(lanes, input);
  CHECK(plan.complete);
  CHECK(plan.pauses == 2);
  CHECK(plan.bottleneck == "rpd of text");
  CHECK(plan.lanes[0].time(Activity::paused) > plan.takes / 2);
  CHECK(plan.usage.output_tokens == 2'000 * 160);
  const auto paused =
      std::count(plan.lanes[0].timeline.begin(), plan.lanes[0].timeline.end(), Activity::paused);
  CHECK(paused > 30);
}

TEST_CASE("a deadline says what it would take") {
  const Lanes lanes = one_lane(limits_of({day_limit(1'000)}));
  const PlanInput input = input_of({{route_of(0), 4'000}}, 1, 4);
  const Plan plan = make_plan(lanes, input);
  CHECK(check_deadline(lanes, input, plan, hours{24 * 7}).met);
  const DeadlineCheck check = check_deadline(lanes, input, plan, hours{12});
  CHECK(!check.met);
  CHECK(check.reachable);
  REQUIRE(check.limits.size() == 1);
  CHECK(check.limits[0].limit == "rpd of text");
  CHECK(check.limits[0].amount == 1'000);
  CHECK(check.limits[0].needed > 1'000);
  CHECK(check.limits[0].needed <= 5'200);
  CHECK(contains(deadline_text(check, plan, hours{12}), "rpd of text"));
}

TEST_CASE("a deadline that only needs workers names their number") {
  const Lanes lanes = one_lane(no_limits());
  const PlanInput input = input_of({{route_of(0), 1'000}}, 1, 2);
  const Plan plan = make_plan(lanes, input);
  const DeadlineCheck check = check_deadline(lanes, input, plan, minutes{2});
  CHECK(!check.met);
  CHECK(check.limits.empty());
  REQUIRE(check.workers.has_value());
  CHECK(*check.workers == 12);
  CHECK(contains(deadline_text(check, plan, minutes{2}), "--workers 12"));
}

TEST_CASE("the report names finish, bottleneck, cost and what was assumed") {
  Lanes lanes = one_lane(limits_of({day_limit(1'000)}));
  lanes.lanes[0].price = Price{150'000, 600'000, 0, 0};
  PlanInput input = input_of({{route_of(0), 2'000}}, 1, 4);
  input.assumptions[0].usage = {40, 160, 0, 0};
  const Plan plan = make_plan(lanes, input);
  // 2,000 x (40 x 0.15 + 160 x 0.60) / 1,000,000 USD.
  CHECK(plan.cost_pico_usd == 204'000'000'000);
  const std::string report = plan_report(plan, input, TimeZone{});
  CHECK(contains(report, "jobs        2,000, 4 workers\n"));
  CHECK(contains(report, "bottleneck  rpd of text\n"));
  CHECK(contains(report, "pauses      2\n"));
  CHECK(contains(report, "uses        80,000 input tokens, 320,000 output tokens\n"));
  CHECK(contains(report, "cost        0.21 USD\n"));
  CHECK(contains(report, "assumed     text answers in 1.33 s"));
  const std::string chart = plan_chart(plan);
  CHECK(contains(chart, "text |#"));
  CHECK(contains(chart, "....."));
  const PlanRow rows[] = {{"--workers 4", plan}};
  CHECK(contains(plan_rows(rows, TimeZone{}), "--workers 4  20"));
}

TEST_CASE("a lane without a usable key never finishes, and says so") {
  Lanes lanes = one_lane(no_limits());
  lanes.keys.clear();
  const PlanInput input = input_of({{route_of(0), 10}}, 1, 4);
  const Plan plan = make_plan(lanes, input);
  CHECK(!plan.complete);
  CHECK(contains(plan_report(plan, input, TimeZone{}), "no usable key"));
}

TEST_CASE("waves are laid on the lanes that have some, else on those of images") {
  LanesInWords words;
  words.lanes = {{"text", no_limits()}, {"image", no_limits()}};
  words.lanes[1].estimate.images = 1;
  const Waves waves{4, seconds{10}};
  const Lanes lanes = with_waves(make_lanes(words), waves);
  CHECK(!lanes.lanes[0].waves);
  CHECK(lanes.lanes[1].waves == waves);
  CHECK(waves_text(waves) == "4x10s");
}

}  // namespace
}  // namespace ratebatch::quota_bench::plan_test
