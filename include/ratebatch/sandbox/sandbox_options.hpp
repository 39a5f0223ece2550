// What the stand-in provider does: its limits, how it counts them, how slow and how unreliable it
// is.
//
// Plain data, filled from the user's configuration by the caller and from the text of
// `--sandbox=...` here. The sandbox enforces these limits with limiters of its own (see
// src/sandbox/limiter.hpp).
#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch {

// How requests are counted against a limit of N per window.
enum class LimitAlgorithm : std::uint8_t {
  fixed,    // N in each of the windows that follow one another from the start of the server.
  sliding,  // N in any window of that length.
  bucket,   // N at once, refilled evenly at N per window.
};

// Bounds that keep the arithmetic of the limiters inside 64 bits.
constexpr std::int64_t sandbox_amount_max = 100'000'000;
constexpr Duration sandbox_window_max = std::chrono::hours{24};

// Pictures up to this size: in base64 they stay below the 64 MiB that clients accept.
constexpr std::int64_t sandbox_image_bytes_max = 32LL << 20U;

struct SandboxOptions {
  std::uint16_t port = 0;  // 0: any free one.
  std::uint64_t seed = 1;  // Of texts, pictures and faults.

  Duration latency = std::chrono::milliseconds{200};
  Duration jitter{};  // An answer takes latency - jitter to latency + jitter, evenly spread.

  LimitAlgorithm algorithm = LimitAlgorithm::sliding;
  std::map<std::string, Limits> models;  // By the id that requests name. A limit counts per model.
  Limits every_model;                    // Holds for each model too, listed or not, per model.
  Limits overall;                        // Over all models together.

  // Shares of the granted requests that go wrong, drawn in order of arrival; at most 1000 in all.
  std::int32_t error_per_mille = 0;     // 500 or 503. Counted against the limits, not charged.
  std::int32_t reset_per_mille = 0;     // Charged, then the connection is reset without an answer.
  std::int32_t truncate_per_mille = 0;  // Charged; the answer breaks off before its Content-Length.
  std::int32_t hang_per_mille = 0;      // Charged; no answer until the client leaves.
  std::int32_t garbage_per_mille = 0;   // Charged; status 200 with JSON that breaks off.

  std::int64_t image_bytes = 0;  // Pictures are at least this large; 64 x 64 pixels at least.
  std::string required_key;      // If set, a request with another key gets 401. For tests only.

  friend bool operator==(const SandboxOptions&, const SandboxOptions&) = default;
};

// Reads "latency=500ms,jitter=50ms,algorithm=bucket,rpm=600,error_rate=2%" on top of `options`.
// Keys: port, seed, latency, jitter, algorithm; rps, rpm, rph, concurrency (for every model);
// total_concurrency; error_rate, reset_rate, truncate_rate, hang_rate, garbage_rate (0.02 or 2%, in
// steps of 0.001); image_bytes; require_key. An empty text changes nothing. Fails with
// invalid_input, naming the key, what was expected and the nearest key, and where
// check_sandbox_options fails.
Result<SandboxOptions> parse_sandbox_options(std::string_view text, SandboxOptions options = {});

// Fails with invalid_input where a number is out of its bounds, naming it.
Result<void> check_sandbox_options(const SandboxOptions& options);

}  // namespace ratebatch
