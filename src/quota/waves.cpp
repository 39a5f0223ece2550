#include "ratebatch/quota/waves.hpp"

#include <algorithm>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/number_list.hpp"

namespace ratebatch::quota {

WaveGate::WaveGate(const Waves& waves) : waves_(waves), size_(waves.size) {
  RB_ASSERT(waves.size >= 1);
  RB_ASSERT(waves.delay >= Duration{});
}

std::optional<Instant> WaveGate::earliest(Instant now) const {
  if (in_flight_ == 0) return last_end_ ? std::max(now, *last_end_ + waves_.delay) : now;
  if (!closed_ && started_ < size_) return now;
  return std::nullopt;
}

void WaveGate::enter(Instant now) {
  RB_ASSERT(earliest(now) == now);
  if (in_flight_ == 0) {
    started_ = 0;
    closed_ = false;
    refused_ = false;
  }
  ++started_;
  ++in_flight_;
}

void WaveGate::leave(Instant now) {
  RB_ASSERT(in_flight_ > 0);
  --in_flight_;
  closed_ = true;
  last_end_ = std::max(last_end_.value_or(now), now);
  // Only a full wave shows that its size is right.
  if (in_flight_ == 0 && !refused_ && started_ >= size_) {
    size_ = std::min(size_ + 1, waves_.size);
  }
}

void WaveGate::refused() {
  if (refused_) return;
  refused_ = true;
  size_ = std::max(size_ - 1, 1);
}

std::string WaveGate::store(Now now) const {
  std::string out = number_list({stored_form, size_, waves_.size});
  const std::optional<Instant> ended = in_flight_ > 0 ? now.steady : last_end_;
  if (ended) append_number(out, to_ms(now.wall_at(*ended)));
  return out;
}

bool WaveGate::restore(Now now, std::string_view text) {
  const auto numbers = read_number_list(text, 4);
  if (!numbers || numbers->size() < 3 || numbers->at(0) != stored_form) return false;
  const std::int64_t size = numbers->at(1);
  const std::int64_t configured = numbers->at(2);
  if (size < 1 || size > configured) return false;
  // A wave that was as large as it might be learned nothing.
  size_ = size < configured ? static_cast<std::int32_t>(std::min<std::int64_t>(size, waves_.size))
                            : waves_.size;
  last_end_.reset();
  if (numbers->size() == 4) {
    // One that ended long ago is over all the same, and the sum with the delay fits.
    const Instant ended = steady_time_ms(now, numbers->at(3), Duration{});
    last_end_ = std::max(ended, now.steady - waves_.delay - std::chrono::milliseconds{1});
  }
  return true;
}

}  // namespace ratebatch::quota
