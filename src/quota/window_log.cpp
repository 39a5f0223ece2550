#include "ratebatch/quota/window_log.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/number_list.hpp"

namespace ratebatch::quota {
namespace {

// Slots of a window: rounding up costs a thousandth of it, and what was sent together counts no
// more from one instant on.
constexpr std::int64_t slots_of_window = 1024;

// Of a stored slot, so that no sum overflows.
constexpr std::int64_t stored_amount_max = std::int64_t{1} << 53U;

}  // namespace

WindowLog::WindowLog(Duration window, Duration way_max)
    : window_(window),
      way_max_(way_max),
      slot_(std::max<Duration>(Duration{1}, window / slots_of_window)) {
  RB_ASSERT(window > Duration{});
}

std::int64_t WindowLog::slot_of(Instant leaves) const {
  return divide_up(leaves.ns, slot_.count());
}

std::int64_t WindowLog::used(Instant now) const {
  std::int64_t left = sum_;
  for (const Slot& slot : slots_) {
    if (slot.leaves * slot_.count() > now.ns) break;
    left -= slot.amount;
  }
  return left;
}

Instant WindowLog::falls_to(Instant now, std::int64_t most) const {
  std::int64_t left = used(now);
  if (left <= most) return now;
  for (const Slot& slot : slots_) {
    const Instant leaves{slot.leaves * slot_.count()};
    if (leaves <= now) continue;
    left -= slot.amount;
    if (left <= most) return leaves;
  }
  return now;
}

void WindowLog::add(std::int64_t slot, std::int64_t amount) {
  if (amount == 0) return;
  auto at = slots_.end();
  while (at != slots_.begin() && std::prev(at)->leaves >= slot) --at;
  if (at != slots_.end() && at->leaves == slot) {
    const std::int64_t change = std::max(amount, -at->amount);
    at->amount += change;
    sum_ += change;
  } else if (amount > 0) {
    slots_.insert(at, {slot, amount});
    sum_ += amount;
  }
}

void WindowLog::forget(Instant now) {
  while (!slots_.empty() && slots_.front().leaves * slot_.count() <= now.ns) {
    sum_ -= slots_.front().amount;
    slots_.pop_front();
  }
}

void WindowLog::take(Instant now, std::int64_t cost) {
  forget(now);
  add(slot_of(now + way_max_ + window_), cost);
}

void WindowLog::sent(Instant started, Instant sent, std::int64_t cost) {
  if (started == sent) return;
  withdrawn(started, cost);
  add(slot_of(sent + way_max_ + window_), cost);
}

void WindowLog::ended(Instant sent, Instant now, std::int64_t cost, std::int64_t actual) {
  forget(now);
  const Instant received = std::min(now, sent + way_max_);
  if (received == sent + way_max_ && cost == actual) return;
  if (sent + way_max_ + window_ <= now) return;
  withdrawn(sent, cost);
  add(slot_of(received + window_), actual);
}

void WindowLog::withdrawn(Instant started, std::int64_t cost) {
  add(slot_of(started + way_max_ + window_), -cost);
}

std::string WindowLog::store(Now now) const {
  std::string text = number_list({stored_form});
  // Slots are joined towards the later one, which errs on the safe side.
  const std::int64_t step = divide_up((window_ + way_max_).count(), stored_slots_max - 1);
  std::int64_t amount = 0;
  for (std::size_t i = 0; i < slots_.size(); ++i) {
    amount += slots_[i].amount;
    const bool joins_next =
        i + 1 < slots_.size() &&
        slots_[i].leaves * slot_.count() / step == slots_[i + 1].leaves * slot_.count() / step;
    if (joins_next || amount == 0) continue;
    const Instant leaves{slots_[i].leaves * slot_.count()};
    if (leaves > now.steady) {
      append_number(text, now.wall_at(leaves).ns);
      append_number(text, amount);
    }
    amount = 0;
  }
  return text;
}

bool WindowLog::restore(Now now, std::string_view text) {
  const auto numbers = read_number_list(text);
  if (!numbers || numbers->size() % 2 != 1 || numbers->front() != stored_form) return false;
  slots_.clear();
  sum_ = 0;
  for (std::size_t i = 1; i + 1 < numbers->size(); i += 2) {
    const Instant leaves = steady_time(now, {(*numbers)[i]}, window_ + way_max_);
    if (leaves <= now.steady) continue;
    add(slot_of(leaves), std::clamp<std::int64_t>((*numbers)[i + 1], 0, stored_amount_max));
  }
  return true;
}

}  // namespace ratebatch::quota
