#include "bench/quota/situation.hpp"

#include <algorithm>
#include <chrono>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/random.hpp"
#include "ratebatch/base/time_zone.hpp"

namespace ratebatch::quota_bench {

Lanes make_lanes(const LanesInWords& words) {
  Lanes lanes;
  KeyPool pool;
  pool.provider = "virtual";
  pool.limits = words.all;
  pool.token_rule = words.token_rule;
  lanes.pools.push_back(pool);
  const std::int32_t groups = words.separate ? words.keys : 1;
  for (std::int32_t i = 0; i < groups; ++i) {
    const std::string name = words.separate ? "KEY_" + std::to_string(i + 1) : "default";
    lanes.groups.push_back({name, PoolId{0}});
  }
  for (std::int32_t i = 0; i < words.keys; ++i) {
    lanes.keys.push_back({"KEY_" + std::to_string(i + 1), GroupId{words.separate ? i : 0}});
  }
  for (std::size_t i = 0; i < words.lanes.size(); ++i) {
    LaneSettings lane;
    lane.model = words.lanes[i].model;
    lane.limits = words.lanes[i].limits;
    lane.waves = words.lanes[i].waves;
    lanes.lanes.push_back(std::move(lane));
    const auto number = static_cast<std::int32_t>(i);
    RouteSettings route;
    route.route = route_of(number);
    route.lane = LaneId{number};
    route.estimate = words.lanes[i].estimate;
    lanes.routes.push_back(route);
  }
  return lanes;
}

Limit limit_of(Resource resource, std::int64_t amount, Duration window, Shape shape) {
  Limit limit;
  limit.name = std::string{to_string(resource)} + " per " + format_duration(window);
  limit.resource = resource;
  limit.amount = amount;
  limit.window = window;
  limit.shape = shape;
  return limit;
}

Limits limits_of(std::vector<Limit> windows) {
  Limits limits;
  limits.windows = std::move(windows);
  limits.stated = true;
  return limits;
}

Limits no_limits() { return limits_of({}); }

Limits unknown_limits() { return {}; }

Now start_at(WallTime wall) { return {Instant{30'000'000'000}, wall}; }

Now ordinary_start() { return start_at(wall_from_ms(1'795'348'830'123)); }

void Tally::committed(Now now, const Batch& batch) {
  for (const AttemptEnd& end : batch.ends) ++outcomes_[end.outcome.kind];
  for (const LaneChange& change : batch.lanes) changes_.push_back({now, change});
}

std::int64_t Tally::outcomes(OutcomeClass kind) const {
  const auto found = outcomes_.find(kind);
  return found == outcomes_.end() ? 0 : found->second;
}

bool Tally::saw(LaneId lane, LaneState state) const {
  return std::any_of(changes_.begin(), changes_.end(), [&](const Change& change) {
    return change.change.lane == lane && change.change.status.state == state;
  });
}

Situation::Situation(Setup setup)
    : lanes_(make_lanes(setup.lanes)),
      begin_(setup.start.wall),
      start_(setup.start.steady),
      server_(lanes_, std::move(setup.served), setup.network, setup.seed * 7919),
      rehearsal_(
          lanes_, std::move(setup.jobs),
          [&] {
            run::RehearsalOptions options;
            options.scheduler.workers = setup.workers;
            options.scheduler.quota.boot = 1;
            options.seed = setup.seed;
            options.start = setup.start;
            return options;
          }(),
          server_, &tally_) {}

bool is_refusal(OutcomeClass kind) {
  return kind == OutcomeClass::rate_limited || kind == OutcomeClass::quota_exhausted;
}

std::int64_t Situation::arrived(LaneId lane, Duration from, Duration to) const {
  return std::count_if(server_.log().begin(), server_.log().end(), [&](const Arrival& arrival) {
    return arrival.lane == lane && arrival.at >= begin_ + from && arrival.at < begin_ + to;
  });
}

std::int64_t Situation::granted(LaneId lane, Duration from, Duration to) const {
  return std::count_if(server_.log().begin(), server_.log().end(), [&](const Arrival& arrival) {
    return arrival.lane == lane && arrival.kind == OutcomeClass::done &&
           arrival.at >= begin_ + from && arrival.at < begin_ + to;
  });
}

std::int64_t Situation::refused(Duration from, Duration to) const {
  return std::count_if(server_.log().begin(), server_.log().end(), [&](const Arrival& arrival) {
    return is_refusal(arrival.kind) && arrival.at >= begin_ + from && arrival.at < begin_ + to;
  });
}

std::int64_t drawn(std::int64_t job, std::int64_t low, std::int64_t high) {
  return Rng{static_cast<std::uint64_t>(job)}.between(low, high);
}

std::string to_string(Server server) {
  switch (server) {
    case Server::fixed:
      return "fixed";
    case Server::sliding:
      return "sliding";
    case Server::bucket_full:
      return "bucket of N";
    case Server::bucket_10:
      return "bucket of 10";
    case Server::bucket_1:
      return "bucket of 1";
  }
  RB_ASSERT(false);
}

ServerLimit served_limit(Server server, Resource resource, std::int64_t amount, Duration window) {
  ServerLimit limit;
  limit.resource = resource;
  switch (server) {
    case Server::fixed:
      limit.make = [=] { return fixed_window(amount, window); };
      break;
    case Server::sliding:
      limit.make = [=] { return sliding_log(amount, window); };
      break;
    case Server::bucket_full:
      limit.make = [=] { return bucket(amount, amount, window); };
      break;
    case Server::bucket_10:
      limit.make = [=] { return bucket(std::min<std::int64_t>(10, amount), amount, window); };
      break;
    case Server::bucket_1:
      limit.make = [=] { return bucket(1, amount, window); };
      break;
  }
  return limit;
}

std::vector<WallTime> los_angeles_midnights(std::int64_t year, std::int64_t month, std::int64_t day,
                                            std::int64_t count) {
  const std::chrono::sys_days first{std::chrono::year{static_cast<int>(year)} /
                                    static_cast<int>(month) / static_cast<int>(day)};
  std::vector<WallTime> resets;
  for (std::int64_t i = 0; i < count; ++i) {
    const auto date = first + std::chrono::days{i};
    const auto of = std::chrono::year_month_day{date}.year();
    const auto begin = std::chrono::sys_days{of / std::chrono::March / std::chrono::Sunday[2]};
    const auto end = std::chrono::sys_days{of / std::chrono::November / std::chrono::Sunday[1]};
    const bool summer = date > begin && date <= end;
    const Duration since_1970 = date.time_since_epoch() + hours{summer ? 7 : 8};
    resets.push_back({since_1970.count()});
  }
  return resets;
}

Limit day_limit(std::int64_t amount) {
  Limit limit = limit_of(Resource::requests, amount, hours{24});
  limit.name = "rpd";
  limit.reset.kind = Reset::Kind::daily;
  const auto zone = TimeZone::find("America/Los_Angeles");
  RB_ASSERT(zone.has_value());
  limit.reset.zone = *zone;
  return limit;
}

ServerLimit served_day_limit(std::int64_t amount, const std::vector<WallTime>& resets) {
  ServerLimit day;
  day.make = [amount, resets] { return std::make_unique<DayQuota>(amount, resets); };
  day.is_day = true;
  return day;
}

}  // namespace ratebatch::quota_bench
