#include "ratebatch/quota/server_clock.hpp"

#include <algorithm>

#include "ratebatch/base/number_list.hpp"

namespace ratebatch::quota {
namespace {

// Two stretches are kept: a bound counts for 30 to 60 minutes. Quartz drifts by less than 0.2 s in
// an hour (50 ppm), and a server whose clock was ahead is forgotten with it.
constexpr Duration stretch_length = std::chrono::minutes{30};

// A server that shows another time does not know it: 2020-01-01T00:00:00Z, and a day in 2116.
constexpr WallTime earliest_date{1'577'836'800'000'000'000};
constexpr WallTime latest_date{std::int64_t{1} << 62U};

std::int64_t stretch_of(Instant at) { return at.ns / stretch_length.count(); }

}  // namespace

void ServerClock::saw(Now at, WallTime date) {
  if (date < earliest_date || date > latest_date) return;
  const Best best{stretch_of(at.steady), Duration{date.ns - at.steady.ns}};
  if (!newest_ || newest_->stretch < best.stretch) {
    before_ = newest_;
    newest_ = best;
  } else {
    newest_->ahead = std::max(newest_->ahead, best.ahead);
  }
}

WallTime ServerClock::at(Now now) const {
  if (!newest_) return now.wall;
  Duration ahead = newest_->ahead;
  // The older stretch counts only beside a newer one: while no reply comes, nothing is forgotten.
  if (before_ && before_->stretch + 1 >= newest_->stretch) ahead = std::max(ahead, before_->ahead);
  return {now.steady.ns + ahead.count()};
}

std::string ServerClock::store(std::int64_t boot) const {
  if (!newest_ || boot == 0) return "";
  return number_list({stored_form, boot, newest_->stretch, newest_->ahead.count()});
}

bool ServerClock::restore(std::int64_t boot, std::string_view text) {
  const auto numbers = read_all_stored(text, 4);
  if (!numbers || boot == 0 || (*numbers)[1] != boot) return false;
  const Best best{(*numbers)[2], Duration{(*numbers)[3]}};
  // A date is never earlier than the steady clock, which begins with the machine.
  const bool is_date = best.ahead >= Duration{} && best.ahead.count() <= latest_date.ns;
  if (!is_date || best.stretch < 0 || best.stretch > stretch_of({latest_date.ns})) return false;
  newest_ = best;
  before_.reset();
  return true;
}

}  // namespace ratebatch::quota
