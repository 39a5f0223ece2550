#include "ratebatch/schedule/lane.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {
namespace {

template <typename Moment>
std::optional<Moment> earlier_of(const std::optional<Moment>& a, const std::optional<Moment>& b) {
  if (!a) return b;
  return b ? std::min(*a, *b) : a;
}

template <typename Moment>
std::optional<Moment> later_of(const std::optional<Moment>& a, const std::optional<Moment>& b) {
  if (!a) return b;
  return b ? std::max(*a, *b) : a;
}

}  // namespace

Deadline earlier(const Deadline& a, const Deadline& b) {
  return {earlier_of(a.steady, b.steady), earlier_of(a.wall, b.wall)};
}

Lane::Lane(const LaneSettings& settings, const std::vector<RouteId>& routes)
    : settings_(settings), queue_(routes), gate_(settings.retry), breaker_(settings.breaker) {}

const JobRef* Lane::startable(Now now) {
  if (!gate_.allows(now, in_flight()) || !breaker_.allows(now.steady)) return nullptr;
  if (blocked_until_ && now.steady < *blocked_until_) return nullptr;
  return queue_.head(now.steady);
}

Lane::Started Lane::start(Now now) {
  RB_ASSERT(startable(now) != nullptr);
  ++started_;
  blocked_until_.reset();
  const bool is_probe = breaker_.start();
  return {queue_.take_head(now.steady), is_probe};
}

void Lane::landed() {
  RB_ASSERT(ended_ > 0);
  --started_;
  --ended_;
}

Deadline Lane::wake_at(Now now) const {
  if (queue_.drained()) return {};
  const Deadline gate = gate_.opens_at();
  if (gate.wall && now.wall < *gate.wall) return {std::nullopt, gate.wall};
  // All of these must be over before anything starts, so the latest of them counts. One that is
  // past already had its chance at `now`.
  const auto all_over = later_of(later_of(gate.steady, breaker_.probe_at()), blocked_until_);
  if (all_over && now.steady < *all_over) return {all_over, std::nullopt};
  const auto ready = queue_.next_ready();
  return {ready && now.steady < *ready ? ready : std::nullopt, std::nullopt};
}

LaneStatus Lane::status(Now now, bool has_key) const {
  if (queue_.drained() && started_ == 0) return {LaneState::idle, "", std::nullopt};
  if (!has_key) return {LaneState::no_key, "no usable key", std::nullopt};
  if (gate_.waiting(now)) return gate_.status(now);
  if (breaker_.open()) return {LaneState::tripped, "server failures", std::nullopt};
  return {LaneState::running, "", std::nullopt};
}

}  // namespace ratebatch
