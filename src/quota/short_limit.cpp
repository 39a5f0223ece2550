#include "ratebatch/quota/short_limit.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/number_list.hpp"

namespace ratebatch::quota {
namespace {

// A refusal that our own count does not explain takes away so much.
constexpr std::int64_t refused_keeps_per_mille = 950;
constexpr std::int32_t learned_per_mille_min = 50;
// A clean window gives back so much; what was learned is forgotten after a day.
constexpr std::int32_t recovery_per_mille = 10;
constexpr Duration learned_for = std::chrono::hours{24};

}  // namespace

ShortLimit::ShortLimit(const Limit& limit)
    : limit_(limit),
      pace_(limit.amount, limit.window, limit.pace_at_per_mille),
      log_(limit.window, limit.shape == Shape::paced ? network_spread : receipt_max),
      announced_(limit.amount) {
  RB_ASSERT(!limit.is_long());
}

std::int64_t ShortLimit::usable() const {
  return std::max<std::int64_t>(1, share_of(announced_, learned_per_mille_) - others_);
}

std::int64_t ShortLimit::threshold() const {
  if (limit_.shape == Shape::window) return limit_.amount;
  return std::max<std::int64_t>(1, share_of(limit_.amount, limit_.pace_at_per_mille));
}

Instant ShortLimit::earliest(Instant now, std::int64_t cost) const {
  RB_ASSERT(cost >= 1);
  const bool informed = credit_ && now < credit_until_;
  // Requests of one cost that are evenly spaced never fill a window.
  const bool mixed = cost > 1 || pace_.mixed();
  const Instant has_room = log_.falls_to(now, std::max<std::int64_t>(0, usable() - cost));
  if (limit_.shape == Shape::window) return has_room;
  if (!informed) {
    const Instant paced = std::max(refilled_at_, pace_.earliest(now));
    return mixed ? std::max(has_room, paced) : paced;
  }
  // The server said that so much may start now, whatever the schedule allows. The request that is
  // due by the even pace comes on top of a burst.
  if (*credit_ >= cost && in_flight_ < 2 * burst_passed_ + 1) return has_room;
  // Nothing remains by what the server said last: then only what has come back since.
  if (*credit_ < cost) return std::max({has_room, refilled_at_, pace_.earliest(now)});
  return std::max(has_room, pace_.earliest(now));
}

ShortTicket ShortLimit::take(Instant now, std::int64_t cost) {
  const std::int64_t bounded = std::min(cost, limit_.amount);
  if (limit_.shape == Shape::paced) {
    if (pace_.earliest(now) == now) pace_.take(now, bounded);
    if (credit_ && now < credit_until_) refilled_at_ = now + pace_.interval() * bounded;
  }
  log_.take(now, bounded);
  if (credit_) credit_ = clamped_difference(*credit_, bounded);
  ++in_flight_;
  in_flight_cost_ += bounded;
  return {now, now, bounded, in_flight_};
}

void ShortLimit::sent(ShortTicket& ticket, Instant now) {
  pace_.sent(ticket.taken, now);
  log_.sent(ticket.taken, now, ticket.cost);
  ticket.sent = now;
}

void ShortLimit::settle(const ShortTicket& ticket, Instant now, std::int64_t actual, bool passed) {
  const std::int64_t bounded = std::min(actual, limit_.amount);
  --in_flight_;
  in_flight_cost_ -= ticket.cost;
  pace_.settle(now, ticket.cost, bounded);
  log_.ended(ticket.sent, now, ticket.cost, bounded);
  if (!passed) return;
  burst_passed_ = std::max(burst_passed_, ticket.in_flight);
  recover(now);
}

void ShortLimit::release(const ShortTicket& ticket) {
  --in_flight_;
  in_flight_cost_ -= ticket.cost;
  log_.withdrawn(ticket.taken, ticket.cost);
}

void ShortLimit::learn(const ShortTicket& ticket, Instant now, const LimitFact& fact,
                       std::int32_t slow_at_per_mille) {
  if (fact.limit && !fact.violated) announced_ = std::min(limit_.amount, *fact.limit);
  if (fact.remaining) {
    // What is under way may be counted already or not: it is taken off in any case.
    const std::int64_t free = clamped_difference(*fact.remaining, in_flight_cost_);
    const bool is_newer = !credit_ || ticket.sent > credit_as_of_;
    credit_ = is_newer ? free : std::min(*credit_, free);
    if (is_newer) credit_as_of_ = ticket.sent;
    credit_until_ = now + 2 * limit_.window;
  }
  const std::int64_t limit = fact.limit.value_or(limit_.amount);
  if (const auto server_used = used_of(fact, limit)) {
    const std::int64_t others = clamped_difference(*server_used, log_.used(now));
    const bool is_near = *server_used >= share_of(limit, slow_at_per_mille);
    if (is_near && others > limit / 20) {
      others_ = std::min(others, limit_.amount - 1);
      others_until_ = now + limit_.window;
    }
  }
  apply_amount();
}

void ShortLimit::set_amount(std::int64_t amount) {
  limit_.amount = announced_ = amount;
  apply_amount();
}

void ShortLimit::refused(const ShortTicket& ticket, Instant now) {
  if (credit_) credit_ = std::min<std::int64_t>(*credit_, 0);
  burst_passed_ = std::max<std::int64_t>(1, ticket.in_flight / 2);
  // Requests that were under way already say nothing new.
  if (ticket.taken <= learned_at_) return;
  learned_at_ = now;
  recovered_at_ = now;
  learned_per_mille_ =
      std::max(learned_per_mille_min,
               static_cast<std::int32_t>(learned_per_mille_ * refused_keeps_per_mille / 1000));
  apply_amount();
}

void ShortLimit::recover(Instant now) {
  if (others_ > 0 && now >= others_until_) {
    others_ = 0;
    apply_amount();
  }
  if (learned_per_mille_ == 1000) return;
  const Duration clean = now - recovered_at_;
  if (clean < limit_.window) return;
  recovered_at_ = now;
  learned_per_mille_ = now - learned_at_ >= learned_for
                           ? 1000
                           : std::min(1000, learned_per_mille_ + recovery_per_mille);
  apply_amount();
}

void ShortLimit::apply_amount() { pace_.set_amount(usable()); }

std::optional<Instant> ShortLimit::frees_at(Instant now) const {
  const std::int64_t now_used = log_.used(now);
  if (now_used == 0) return std::nullopt;
  return log_.falls_to(now, now_used - 1);
}

std::string ShortLimit::store(Now now) const {
  return number_list({stored_form, pace_.stored_arrival(now).ns, learned_per_mille_,
                      now.wall_at(learned_at_).ns, now.wall_at(recovered_at_).ns}) +
         ' ' + log_.store(now);
}

bool ShortLimit::restore(Now now, std::string_view text) {
  const auto stored = read_stored(text, 5);
  if (!stored || (!stored->rest.empty() && !log_.restore(now, stored->rest))) return false;
  const std::vector<std::int64_t>& numbers = stored->numbers;
  learned_per_mille_ =
      static_cast<std::int32_t>(std::clamp<std::int64_t>(numbers[2], learned_per_mille_min, 1000));
  learned_at_ = steady_time(now, {numbers[3]}, Duration{});
  recovered_at_ = steady_time(now, {numbers[4]}, Duration{});
  if (now.steady - learned_at_ >= learned_for) learned_per_mille_ = 1000;
  apply_amount();
  pace_.restore(now, {numbers[1]});
  return true;
}

}  // namespace ratebatch::quota
