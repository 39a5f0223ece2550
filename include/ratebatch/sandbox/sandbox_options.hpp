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
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::sandbox {

// How a limit of N per window is counted. A calendar limit (Limit::reset is known) is always
// counted from one reset to the next.
enum class LimitAlgorithm : std::uint8_t {
  fixed,    // N in each of the windows that follow one another from the start of the server.
  sliding,  // N in any window of that length.
  bucket,   // N at once, refilled evenly at N per window.
};

// What a request to OpenAI's API, or one like it, costs in tokens when it arrives; Anthropic's and
// Gemini's count as those providers do.
enum class TokenCount : std::uint8_t {
  usage,    // What its answer will use: the sandbox knows its own texts beforehand.
  reserve,  // As OpenAI reserves: the larger of max_tokens and a quarter of the characters; what
            // the answer used corrects it.
};

// Whether the keys that requests carry have limits of their own.
enum class KeyCounters : std::uint8_t { separate, shared };

// A time in which every request is answered with 503, from the start of the server on.
struct SandboxOutage {
  Duration from{};
  Duration until{};   // Above `from`; that instant is served again.
  std::string model;  // Empty: all of them.

  friend bool operator==(const SandboxOutage&, const SandboxOutage&) = default;
};

// Bounds of what is counted: a larger amount or window has no meaning.
constexpr std::int64_t sandbox_amount_max = 1'000'000'000'000;
constexpr Duration sandbox_window_max = month_window;

// Pictures and texts up to this size: in base64, or with their escapes, they stay below the 64 MiB
// that clients accept.
constexpr std::int64_t sandbox_image_bytes_max = 44LL << 20U;
constexpr std::int64_t sandbox_text_bytes_max = 32LL << 20U;

// A model of the API `http`, which answers in the form that its user described.
struct SandboxHttpModel {
  std::string id;  // Counted under it; its limits are those of this id in `models`.
  ModelKind kind = ModelKind::chat;
  HttpApi api;

  friend bool operator==(const SandboxHttpModel&, const SandboxHttpModel&) = default;
};

struct SandboxOptions {
  std::uint16_t port = 0;  // 0: any free one.
  std::uint64_t seed = 1;  // Of texts, pictures and faults.

  Duration latency = std::chrono::milliseconds{200};
  Duration jitter{};  // An answer takes latency - jitter to latency + jitter, evenly spread.

  LimitAlgorithm algorithm = LimitAlgorithm::sliding;
  std::optional<std::int64_t>
      burst;  // A bucket of requests per short window holds at most so many.
  TokenCount token_count = TokenCount::usage;
  KeyCounters keys = KeyCounters::separate;
  bool headers = true;  // Off: no header and no words tell of limits, as with an unknown provider.
  // So long a window of 60 s, and each day of a window of whole days, really lasts; a reset at a
  // time of day then comes at multiples of the window from the start of the server.
  Duration minute = std::chrono::minutes{1};
  Duration day = std::chrono::hours{24};

  // All of them count per key, see KeyCounters.
  // By the id that requests name, or by API and id ("together/ID") where several APIs have a model
  // of that id, which are counted apart then. A limit counts per model.
  std::map<std::string, Limits> models;
  Limits every_model;  // Holds for each model too, listed or not, per model.
  Limits overall;      // Over all models together.

  std::optional<SandboxOutage> outage;

  // Shares of the granted requests that go wrong, drawn in order of arrival; at most 1000 in all.
  std::int32_t error_per_mille = 0;     // 500 or 503. Counted against the limits, not charged.
  std::int32_t reset_per_mille = 0;     // Charged, then the connection is reset without an answer.
  std::int32_t truncate_per_mille = 0;  // Charged; the answer breaks off before its Content-Length.
  std::int32_t hang_per_mille = 0;      // Charged; no answer until the client leaves.
  std::int32_t garbage_per_mille = 0;   // Charged; status 200 with JSON that breaks off.

  std::int64_t image_bytes = 0;  // Pictures are at least this large; 64 x 64 pixels at least.
  std::int64_t text_bytes = 0;   // Texts are at least this large.
  bool links = false;            // Answers hold links instead of pictures where the API has such.
  std::int32_t link_error_per_mille = 0;  // Share of the downloads that fail, with 503.
  std::string replies_file;  // Of scripted replies, see docs; empty: none. Read when it starts.
  // By the name in the path, see SandboxServer. "PROVIDER/" stands for all "PROVIDER/ID" that are
  // not listed; `id` and `kind` follow from that ID then.
  std::map<std::string, SandboxHttpModel> http;
  std::string required_key;  // If set, a request with another key gets 401. For tests only.

  friend bool operator==(const SandboxOptions&, const SandboxOptions&) = default;
};

// Reads "latency=500ms,jitter=50ms,algorithm=bucket,rpm=600,error_rate=2%" on top of `options`.
// Keys: port, seed, latency, jitter; algorithm, burst (a number); token_count (usage, reserve);
// keys (separate, shared); headers (on, off); day, minute (durations). Limits of every model: rpm,
// tpd and their like, of r, t, it, ot, i or c (requests, tokens, input tokens, output tokens,
// images, characters) and ps, pm, ph, pd or pmo (second, minute, hour, day, 31 days); window
// (10s:50, so many requests per window); concurrency. total_concurrency; outage (10s-40s or
// 10s-40s@MODEL); error_rate, reset_rate, truncate_rate, hang_rate, garbage_rate, link_error_rate
// (0.02 or 2%, in steps of 0.001); image_bytes, text_bytes; links (on, off); replies (a file's path
// without a comma); require_key. An empty text changes nothing. Fails with
// invalid_input, naming the key, what was expected and the nearest key, and where
// check_sandbox_options fails.
Result<SandboxOptions> parse_sandbox_options(std::string_view text, SandboxOptions options = {});

// The keys of that text, in the order in which people look for them.
std::vector<std::string> sandbox_option_names();

// Fails with invalid_input where a number is out of its bounds, naming it.
Result<void> check_sandbox_options(const SandboxOptions& options);

// The same limits with the windows that a sandbox of these options enforces, see `minute` and
// `day`. A compressed calendar limit comes out as a rolling one of that length: whoever keeps to
// that keeps to the windows of the sandbox too, wherever they begin. One that paused still pauses,
// however short its window has become.
Limits compressed(const Limits& limits, const SandboxOptions& options);

}  // namespace ratebatch::sandbox
