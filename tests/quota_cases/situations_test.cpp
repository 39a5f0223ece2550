// The situations this tool began with, against servers in virtual time that count for themselves.
#include <doctest/doctest.h>

#include <set>
#include <vector>

#include "bench/quota/situation.hpp"

namespace ratebatch::quota_bench::situations_test {

using namespace quota;
using namespace run;
using namespace schedule;

namespace {

constexpr LaneId first{0};
constexpr LaneId second{1};

ServerLane served_in(Duration service) {
  ServerLane lane;
  lane.service = {service, service};
  return lane;
}

TEST_CASE("eight images in waves of three") {
  Situation::Setup setup;
  setup.lanes.lanes = {{"image", no_limits(), Waves{3, seconds{15}}}};
  setup.jobs = {{route_of(0), 8}};
  setup.served.push_back(served_in(seconds{5}));
  setup.served[0].concurrency = 3;
  setup.workers = 8;
  Situation situation{std::move(setup)};
  CHECK(situation.run() == RehearsalEnd::finished);
  CHECK(situation.rehearsal().counts().done == 8);
  CHECK(situation.refused() == 0);
  CHECK(situation.server().most_at_once() == 3);
  const auto& log = situation.server().log();
  REQUIRE(log.size() == 8);
  for (const std::size_t begin : {std::size_t{3}, std::size_t{6}}) {
    const Duration after_the_last_ended = log[begin].at - (log[begin - 1].at + seconds{5});
    CHECK(after_the_last_ended >= seconds{15});
    CHECK(after_the_last_ended < seconds{16});
  }
}

TEST_CASE("ten speech and transcription jobs under one concurrency of three") {
  Situation::Setup setup;
  setup.lanes.all.concurrency = 3;
  setup.lanes.all.stated = true;
  setup.lanes.lanes = {{"speech", no_limits()}, {"transcription", no_limits()}};
  setup.jobs = {{route_of(0), 5}, {route_of(1), 5}};
  setup.served.push_back(served_in(seconds{4}));
  setup.served.push_back(served_in(seconds{2}));
  setup.workers = 8;
  Situation situation{std::move(setup)};
  situation.server().limit_all(3);
  CHECK(situation.run() == RehearsalEnd::finished);
  CHECK(situation.rehearsal().counts().done == 10);
  CHECK(situation.refused() == 0);
  CHECK(situation.server().most_at_once() == 3);
}

TEST_CASE("TPM 10,000 with 300 to 500 token jobs") {
  for (const Server server : {Server::fixed, Server::sliding, Server::bucket_full}) {
    CAPTURE(to_string(server));
    Situation::Setup setup;
    setup.lanes.lanes = {{"text", limits_of({limit_of(Resource::tokens, 10'000, minutes{1})})}};
    setup.jobs = {{route_of(0), 1'000, JobSize{400, std::nullopt, 0, false}}};
    setup.served.push_back(served_in(seconds{2}));
    setup.served[0].limits = {served_limit(server, Resource::tokens, 10'000, minutes{1})};
    setup.served[0].usage = [](std::int64_t job) {
      return Usage{100, drawn(job, 300, 500) - 100, 0, 0};
    };
    setup.network.way_there = {milliseconds{20}, milliseconds{200}};
    Situation situation{std::move(setup)};
    situation.run_for(minutes{20});
    std::int64_t tokens = 0;
    for (const Arrival& arrival : situation.server().log()) tokens += arrival.tokens;
    CHECK(situation.refused() == 0);
    CHECK(tokens > 20 * 10'000 * 85 / 100);
  }
}

TEST_CASE("image keys marked never slow text") {
  // The images' limit is half of what is declared, on every key: each of them gets refusals.
  const auto text_granted = [](std::int64_t images_allowed, std::int64_t& refused) {
    Situation::Setup setup;
    setup.lanes.keys = 5;
    setup.lanes.separate = true;
    setup.lanes.lanes = {{"text", limits_of({limit_of(Resource::requests, 300, minutes{1})})},
                         {"image", limits_of({limit_of(Resource::requests, 18, minutes{1})})}};
    setup.jobs = {{route_of(0), 100'000}, {route_of(1), 100'000}};
    setup.served.push_back(served_in(seconds{2}));
    setup.served[0].limits = {served_limit(Server::sliding, Resource::requests, 300, minutes{1})};
    setup.served.push_back(served_in(seconds{5}));
    setup.served[1].limits = {
        served_limit(Server::sliding, Resource::requests, images_allowed, minutes{1})};
    setup.workers = 128;
    Situation situation{std::move(setup)};
    situation.run_for(minutes{10});
    std::set<KeyId> marked;
    for (const Arrival& arrival : situation.server().log()) {
      if (!is_refusal(arrival.kind)) continue;
      CHECK(arrival.lane == second);
      marked.insert(arrival.key);
      ++refused;
    }
    CHECK(marked.size() == (images_allowed < 18 ? 5 : 0));
    return situation.granted(first, {}, minutes{10});
  };
  std::int64_t refused = 0;
  const std::int64_t undisturbed = text_granted(18, refused);
  CHECK(refused == 0);
  CHECK(text_granted(9, refused) == undisturbed);
  CHECK(refused > 0);
}

TEST_CASE("a wrong key among good ones") {
  Situation::Setup setup;
  setup.lanes.keys = 3;
  setup.lanes.lanes = {{"text", no_limits()}};
  setup.jobs = {{route_of(0), 300}};
  setup.served.push_back(served_in(seconds{1}));
  setup.workers = 6;
  Situation situation{std::move(setup)};
  situation.server().refuse_key(KeyId{1});
  CHECK(situation.run() == RehearsalEnd::finished);
  CHECK(situation.rehearsal().finish().reason == action::FinishReason::complete);
  CHECK(situation.rehearsal().counts().done == 300);
  CHECK(situation.rehearsal().counts().failed == 0);
  // Those that were under way on it when the first one was refused.
  const std::int64_t refused = situation.tally().outcomes(OutcomeClass::refused_key);
  CHECK(refused >= 1);
  CHECK(refused <= 6);
}

TEST_CASE("only wrong keys: no job fails, and the run says that a person must act") {
  Situation::Setup setup;
  setup.lanes.keys = 2;
  setup.lanes.lanes = {{"text", no_limits()}};
  setup.jobs = {{route_of(0), 50}};
  setup.served.push_back(served_in(seconds{1}));
  Situation situation{std::move(setup)};
  situation.server().refuse_key(KeyId{0});
  situation.server().refuse_key(KeyId{1});
  CHECK(situation.run() == RehearsalEnd::finished);
  CHECK(situation.rehearsal().finish().reason == action::FinishReason::no_key);
  CHECK(situation.rehearsal().counts().failed == 0);
}

TEST_CASE("a job larger than the window") {
  Situation::Setup setup;
  setup.lanes.token_rule = TokenRule::larger_of;
  setup.lanes.lanes = {{"text", limits_of({limit_of(Resource::tokens, 1'000, minutes{1})})}};
  // One that certainly costs more than a minute holds, one that only might, and ordinary ones.
  setup.jobs = {{route_of(0), 1, JobSize{400, 5'000, 0, false}},
                {route_of(0), 1, JobSize{8'000, std::nullopt, 0, false}},
                {route_of(0), 5, JobSize{400, 100, 0, false}}};
  setup.served.push_back(served_in(seconds{1}));
  setup.served[0].limits = {served_limit(Server::sliding, Resource::tokens, 1'000, minutes{1})};
  setup.served[0].usage = [](std::int64_t job) { return Usage{job == 2 ? 800 : 100, 100, 0, 0}; };
  Situation situation{std::move(setup)};
  CHECK(situation.run_for(hours{2}) == RehearsalEnd::finished);
  CHECK(situation.rehearsal().counts().failed == 1);
  CHECK(situation.rehearsal().counts().done == 6);
  CHECK(situation.tally().outcomes(OutcomeClass::too_large) == 1);
  CHECK(situation.refused() == 0);
  for (const Arrival& arrival : situation.server().log()) CHECK(arrival.job != 1);
}

TEST_CASE("a typo in the model name of 42,888 jobs") {
  Situation::Setup setup;
  setup.lanes.lanes = {{"gpt-4o-mimi", no_limits()}};
  setup.jobs = {{route_of(0), 42'888}};
  setup.served.push_back(served_in(seconds{1}));
  setup.served[0].fate = [](std::int64_t /*job*/) { return OutcomeClass::not_found; };
  setup.workers = 4;
  Situation situation{std::move(setup)};
  CHECK(situation.run() == RehearsalEnd::finished);
  CHECK(situation.rehearsal().finish().reason == action::FinishReason::stopped_lane);
  CHECK(situation.rehearsal().finish().words.find("gpt-4o-mimi") != std::string::npos);
  CHECK(situation.rehearsal().counts().failed == 0);
  CHECK(situation.rehearsal().counts().done == 0);
  // The first ten, and what was under way beside the tenth.
  CHECK(situation.server().log().size() <= 13);
  CHECK(situation.tally().saw(first, LaneState::stopped));
}

TEST_CASE("a wrong job among good ones fails alone") {
  Situation::Setup setup;
  setup.lanes.lanes = {{"text", no_limits()}};
  setup.jobs = {{route_of(0), 100}};
  setup.served.push_back(served_in(seconds{1}));
  setup.served[0].fate = [](std::int64_t job) {
    return job % 10 == 0 ? OutcomeClass::invalid_request : OutcomeClass::done;
  };
  Situation situation{std::move(setup)};
  CHECK(situation.run() == RehearsalEnd::finished);
  CHECK(situation.rehearsal().finish().reason == action::FinishReason::complete);
  CHECK(situation.rehearsal().counts().failed == 10);
  CHECK(situation.rehearsal().counts().done == 90);
}

}  // namespace
}  // namespace ratebatch::quota_bench::situations_test
