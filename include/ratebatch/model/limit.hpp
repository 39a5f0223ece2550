// Limits as they are configured or announced: how much of a resource per window, and how many
// requests at once. Plain data; counting is the quota monitor's business.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/base/time_zone.hpp"

namespace ratebatch::inline model {

// What a limit counts.
enum class Resource : std::uint8_t {
  requests,
  tokens,  // Input and output together, as the provider adds them.
  input_tokens,
  output_tokens,
  images,
  characters,
};
constexpr std::size_t resource_count = 6;

constexpr std::size_t index_of(Resource r) { return static_cast<std::size_t>(r); }

constexpr std::string_view to_string(Resource r) {
  constexpr std::array<std::string_view, resource_count> names = {
      "requests", "tokens", "input_tokens", "output_tokens", "images", "characters"};
  return names[index_of(r)];
}

// An amount of every resource, by index_of.
using Amounts = std::array<std::int64_t, resource_count>;

// Windows up to an hour are short: they are paced, never paused. Longer ones are counted, and
// pause.
constexpr Duration short_window_max = std::chrono::hours{1};

// "Per month" where no day of the month is known: no calendar month is longer.
constexpr Duration month_window = std::chrono::days{31};

// How a short limit is used.
enum class Shape : std::uint8_t {
  paced,   // Spaced evenly: safe on every server algorithm.
  window,  // Never more than the amount in any window of that length: for servers known to count
           // so.
};

// When a long window begins anew.
struct Reset {
  enum class Kind : std::uint8_t {
    rolling,  // Each use leaves the count one window after it was made.
    daily,    // At `time_of_day` in `zone`: days of 23 to 25 hours.
    monthly,  // The same, on `day_of_month` (the last day of shorter months).
  };
  Kind kind = Kind::rolling;
  Duration time_of_day{};         // Since local midnight; below 24 h.
  std::int32_t day_of_month = 1;  // 1 to 31.
  TimeZone zone;                  // UTC unless set.

  friend bool operator==(const Reset&, const Reset&) = default;
};

// So much of a resource in a window of this length. The amount is the provider's number; the shares
// say which part of it is used.
struct Limit {
  std::string name;  // As configured: "rpm", or "requests per 10s". Unique in its scope.
  Resource resource = Resource::requests;
  std::int64_t amount = 0;                // At least 1.
  Duration window{};                      // At least 1 ms.
  Shape shape = Shape::paced;             // Of short windows.
  Reset reset;                            // Of long windows.
  std::int32_t pace_at_per_mille = 990;   // Share of a short window that is used, 1 to 1000.
  std::int32_t pause_at_per_mille = 800;  // Share of a long window at which it pauses, 1 to 1000.

  bool pauses = false;  // Counted and paused although its window is short: a rehearsed day.

  [[nodiscard]] bool is_long() const { return pauses || window > short_window_max; }

  friend bool operator==(const Limit&, const Limit&) = default;
};

struct Limits {
  std::optional<std::int32_t> concurrency;  // At least 1; absent: only the workers bound it.
  std::vector<Limit> windows;
  bool stated = false;  // Given, or said to be none; else they are unknown, and learned.

  friend bool operator==(const Limits&, const Limits&) = default;
};

// Requests go in waves: `size` at once, and the next ones `delay` after the last of them ended.
struct Waves {
  std::int32_t size = 1;
  Duration delay{};

  friend bool operator==(const Waves&, const Waves&) = default;
};

// The short name of a limit, as a configuration, the built-in table and the command line call it.
struct LimitName {
  std::string_view name;
  Resource resource = Resource::requests;
  Duration window{};
};

// All of them, by resource and then by length: {r,t,i,it,ot,c}p{s,m,h,d,mo}.
constexpr std::array<LimitName, 30> limit_names = [] {
  constexpr std::array<std::string_view, 30> names = {
      "rps",  "rpm",  "rph",  "rpd",  "rpmo",  "tps",  "tpm",  "tph",  "tpd",  "tpmo",
      "ips",  "ipm",  "iph",  "ipd",  "ipmo",  "itps", "itpm", "itph", "itpd", "itpmo",
      "otps", "otpm", "otph", "otpd", "otpmo", "cps",  "cpm",  "cph",  "cpd",  "cpmo"};
  constexpr std::array<Resource, resource_count> resources = {
      Resource::requests,     Resource::tokens,        Resource::images,
      Resource::input_tokens, Resource::output_tokens, Resource::characters};
  constexpr std::array<Duration, 5> windows = {std::chrono::seconds{1}, std::chrono::minutes{1},
                                               std::chrono::hours{1}, std::chrono::hours{24},
                                               month_window};
  std::array<LimitName, names.size()> all;
  for (std::size_t i = 0; i < names.size(); ++i) {
    all[i] = {names[i], resources[i / windows.size()], windows[i % windows.size()]};
  }
  return all;
}();

// The limit of this name; nullptr if there is none.
constexpr const LimitName* find_limit_name(std::string_view name) {
  for (const LimitName& known : limit_names) {
    if (known.name == name) return &known;
  }
  return nullptr;
}

}  // namespace ratebatch::inline model
