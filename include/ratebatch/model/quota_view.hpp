// What the quota monitor shows: plain data for status, progress and the log.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::inline model {

struct LimitView {
  std::string limit;  // Its name; those over all lanes of a provider as "openai rpm".
  Resource resource = Resource::requests;
  std::int64_t used = 0;       // In the present window, reservations included.
  std::int64_t max = 0;        // The provider's number.
  std::int64_t threshold = 0;  // The share of it that is used.
  std::optional<WallTime> resets_at;
  bool is_long = false;

  friend bool operator==(const LimitView&, const LimitView&) = default;
};

// One key group at one lane.
struct KeyView {
  std::vector<std::string> keys;  // Names; refused ones are left out.
  std::string group;
  LaneStatus status;
  std::vector<LimitView> limits;
};

struct LaneQuota {
  LaneStatus status;
  bool critical = false;                    // Over all keys, a long window is nearly used up.
  std::optional<std::int32_t> concurrency;  // At once, over all keys; absent: only the workers.
  std::vector<LimitView> limits;            // Over all keys.
  std::vector<KeyView> keys;                // One per key group.
};

}  // namespace ratebatch::inline model
