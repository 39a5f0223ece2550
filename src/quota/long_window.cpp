#include "ratebatch/quota/long_window.hpp"

#include <algorithm>
#include <array>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/number_list.hpp"

namespace ratebatch::quota {
namespace {

constexpr std::int64_t slots_per_window = 96;
// One more, because a window hardly ever begins with a slot.
constexpr std::size_t slot_count_max = slots_per_window + 1;

// Between a reset and the first use after it: a provider's clocks agree to less.
constexpr Duration guard = std::chrono::seconds{1};

// An announced reset may lie so much further ahead than a window is long: a day of 25 hours.
constexpr Duration announced_margin = std::chrono::hours{1};

// The most one slot counts, so that no sum overflows: 2^53, beyond any provider's number.
constexpr std::int64_t count_max = std::int64_t{1} << 53U;

constexpr std::size_t stored_head = 8;  // Numbers before those of the slots.
// The last millisecond that nanoseconds in 64 bits reach lies in 2262; some room for a window.
constexpr std::int64_t stored_ms_max = 9'000'000'000'000;

std::int64_t capped_sum(std::int64_t count, std::int64_t delta) {
  const std::int64_t bounded = std::clamp(delta, -count_max, count_max);
  return std::clamp<std::int64_t>(count + bounded, 0, count_max);
}

}  // namespace

LongWindow::LongWindow(const Limit& limit)
    : limit_(limit),
      threshold_(std::max<std::int64_t>(1, share_of(limit.amount, limit.pause_at_per_mille))),
      slot_ms_(divide_up(to_ms(limit.window + guard) + 1, slots_per_window)) {
  RB_ASSERT(limit.is_long());
  RB_ASSERT(limit.amount >= 1);
  RB_ASSERT(limit.pause_at_per_mille >= 1 && limit.pause_at_per_mille <= 1000);
}

bool LongWindow::fits(WallTime now, std::int64_t cost) const {
  RB_ASSERT(cost >= 0);
  return cost == 0 || held(now) <= room_beside(cost);
}

WallTime LongWindow::opens_at(WallTime now, std::int64_t cost) const {
  if (fits(now, cost)) return now;
  for (const WallTime at : changes()) {
    if (at > now && held(at) <= room_beside(cost)) return at;
  }
  RB_ASSERT(false);  // After the last change `held` is 0.
  return now;
}

std::int64_t LongWindow::room_beside(std::int64_t cost) const {
  return cost > threshold_ ? 0 : threshold_ - cost;
}

void LongWindow::take(WallTime now, std::int64_t cost) {
  RB_ASSERT(cost >= 0);
  notice_clock(now);
  move_to(now);
  add(now, cost);
}

void LongWindow::correct(WallTime taken_at, std::int64_t delta) {
  if (slots_.empty() || taken_at < begin_) return;
  // What was taken while the clock stood back is in the newest slot.
  const std::int64_t index = std::min(slot_at(taken_at), slots_.back().index);
  for (Slot& slot : slots_) {
    if (slot.index == index) slot.used = capped_sum(slot.used, delta);
  }
}

std::int64_t LongWindow::used(WallTime now) const { return end_ && now >= *end_ ? 0 : total(now); }

std::optional<WallTime> LongWindow::resets_at(WallTime now) const {
  const bool present = end_ && now < *end_;
  if (!rolling()) return present ? *end_ : next_reset(now);
  const std::int64_t used_now = used(now);
  if (used_now == 0) return std::nullopt;
  const std::int64_t below = std::min(used_now, threshold_);
  std::optional<WallTime> reset = end_;
  for (const Slot& slot : slots_) {
    const WallTime at = leaves_at(slot);
    if (at > now && (!reset || at < *reset) && used(at) < below) reset = at;
  }
  return reset;
}

void LongWindow::set_used(WallTime now, std::int64_t used) {
  notice_clock(now);
  move_to(now);
  before_ = 0;
  const std::int64_t wanted = std::clamp<std::int64_t>(used, 0, count_max);
  std::int64_t surplus = total(now) - wanted;
  for (Slot& slot : slots_) {
    const std::int64_t taken = std::clamp<std::int64_t>(surplus, 0, slot.used);
    slot.used -= taken;
    surplus -= taken;
  }
  add(now, std::max<std::int64_t>(0, -surplus));
}

void LongWindow::server_resets_at(WallTime now, WallTime at) {
  notice_clock(now);
  move_to(now);
  if (at <= now || at <= begin_ || at - now > limit_.window + announced_margin) return;
  const WallTime end = wall_from_ms(divide_up(at.ns, 1'000'000));
  if (announced_ && end <= *end_) return;
  end_ = end;
  announced_ = true;
  latest_ = std::max(latest_, now);
}

void LongWindow::notice_clock(WallTime now) {
  if (latest_ - now <= limit_.window) return;
  const std::int64_t kept = std::min(held(now), count_max);
  slots_.clear();
  end_.reset();
  announced_ = false;
  begin_ = now;
  before_ = 0;
  latest_ = now;
  move_to(now);
  add(now, kept);
}

std::string LongWindow::store() const {
  std::int64_t index = slots_.empty() ? 0 : slots_.front().index;
  std::string out =
      number_list({stored_form, to_ms(latest_), to_ms(begin_), end_ ? to_ms(*end_) : 0,
                   announced_ ? 1 : 0, before_, rolling() ? slot_ms_ : 0, index});
  for (const Slot& slot : slots_) {
    for (; index < slot.index; ++index) append_number(out, 0);
    append_number(out, slot.used);
    ++index;
  }
  return out;
}

bool LongWindow::restore(std::string_view text) {
  const auto numbers = read_number_list(text, stored_head + slot_count_max);
  if (!numbers || numbers->size() < stored_head || numbers->front() != stored_form) return false;
  std::array<std::int64_t, stored_head> head{};
  std::copy_n(numbers->begin(), stored_head, head.begin());
  const auto [form, latest_ms, begin_ms, end_ms, announced, before, slot_ms, first] = head;
  for (const std::int64_t ms : {latest_ms, begin_ms, end_ms, slot_ms, first}) {
    if (ms < 0 || ms > stored_ms_max) return false;
  }
  if (slot_ms > 0 && first > stored_ms_max / slot_ms) return false;
  if (before < 0 || before > count_max) return false;
  std::vector<Slot> slots;
  Slot all;
  for (std::size_t i = stored_head; i < numbers->size(); ++i) {
    const std::int64_t used = numbers->at(i);
    if (used < 0 || used > count_max) return false;
    if (used > 0) slots.push_back({first + static_cast<std::int64_t>(i - stored_head), used});
    all.used = capped_sum(all.used, used);
  }

  latest_ = wall_from_ms(latest_ms);
  begin_ = wall_from_ms(begin_ms);
  before_ = before;
  announced_ = announced == 1 && end_ms > 0;
  end_.reset();
  if (announced_) {
    end_ = wall_from_ms(end_ms);
  } else if (!rolling() && end_ms > 0) {
    end_ = next_reset(std::max(latest_, begin_));
  }
  slots_ = std::move(slots);
  if (!rolling() || slot_ms != slot_ms_) {
    // Of another kind or length: all of it counts as used when the last of it was.
    all.index = slot_at(latest_);
    slots_.clear();
    if (all.used > 0) slots_.push_back(all);
    if (!rolling() && !end_ && all.used > 0) end_ = next_reset(std::max(latest_, begin_));
  }
  return true;
}

WallTime LongWindow::next_reset(WallTime after) const {
  const Reset& reset = limit_.reset;
  if (reset.kind == Reset::Kind::monthly) {
    return reset.zone.next_monthly(after, reset.day_of_month, reset.time_of_day);
  }
  return reset.zone.next_daily(after, reset.time_of_day);
}

std::int64_t LongWindow::slot_at(WallTime at) const {
  return rolling() ? std::max<std::int64_t>(0, to_ms(at)) / slot_ms_ : 0;
}

WallTime LongWindow::leaves_at(const Slot& slot) const {
  return wall_from_ms((slot.index + 1) * slot_ms_) + limit_.window + guard;
}

bool LongWindow::counts(const Slot& slot, WallTime now) const {
  return !rolling() || leaves_at(slot) > now;
}

std::int64_t LongWindow::total(WallTime now) const {
  std::int64_t sum = 0;
  for (const Slot& slot : slots_) {
    if (counts(slot, now)) sum += slot.used;
  }
  return sum;
}

// What a new use is added to. In the second after a reset, and if the clock was set back before it,
// what was used before the reset counts too, because the reset may have come too early.
std::int64_t LongWindow::held(WallTime now) const {
  if (end_ && now >= *end_) return now < *end_ + guard ? total(now) : 0;
  return total(now) + (now < begin_ + guard ? before_ : 0);
}

// All times at which `held` falls, in order.
std::vector<WallTime> LongWindow::changes() const {
  std::vector<WallTime> times;
  if (before_ > 0) times.push_back(begin_ + guard);
  if (end_) times.push_back(*end_ + guard);
  if (rolling()) {
    for (const Slot& slot : slots_) times.push_back(leaves_at(slot));
  }
  std::sort(times.begin(), times.end());
  return times;
}

// Drops the counts that are over at `now`.
void LongWindow::move_to(WallTime now) {
  if (end_ && now >= *end_) {
    before_ = total(now);
    begin_ = *end_;
    slots_.clear();
    end_.reset();
    announced_ = false;
  }
  if (!rolling() && !end_) end_ = next_reset(now);
  std::erase_if(slots_, [&](const Slot& slot) { return !counts(slot, now); });
}

void LongWindow::add(WallTime at, std::int64_t amount) {
  latest_ = std::max(latest_, at);
  const std::int64_t index = slot_at(at);
  if (slots_.empty() || slots_.back().index < index) slots_.push_back({index, 0});
  slots_.back().used = capped_sum(slots_.back().used, amount);
}

}  // namespace ratebatch::quota
