// What an attempt came to: one class, and what goes with it.
//
// A dialect turns a reply, and the driver a broken transfer, into an Outcome; from then on only the
// class decides what happens to the job, its lane and its key (see schedule/retry_policy.hpp).
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::inline model {

enum class OutcomeClass : std::uint8_t {
  done,             // An answer with content.
  rate_limited,     // A short limit refused it; `limited` says which.
  quota_exhausted,  // A long quota is used up.
  no_credit,        // The account cannot pay.
  refused_key,      // The key is wrong or not allowed.
  server_error,     // 5xx.
  overloaded,       // 503, 529: the server asks for less.
  timeout,          // No complete answer in time.
  network,          // No connection, or it broke.
  bad_reply,        // A 2xx that cannot be read or holds nothing.
  invalid_request,  // The request is wrong: no retry helps.
  too_large,        // It exceeds what the model or window can take.
  content_policy,   // Refused for what it asks.
  not_found,        // No such model or endpoint.
  not_accepted,     // An answer that the type's accept rules refuse.
  unknown,          // Given up by us before an answer came.
};
constexpr std::size_t outcome_class_count = 16;

constexpr std::array<std::string_view, outcome_class_count> outcome_class_names = {
    "done",           "rate_limited", "quota_exhausted", "no_credit",
    "refused_key",    "server_error", "overloaded",      "timeout",
    "network",        "bad_reply",    "invalid_request", "too_large",
    "content_policy", "not_found",    "not_accepted",    "unknown"};

constexpr std::string_view to_string(OutcomeClass c) {
  return outcome_class_names[static_cast<std::size_t>(c)];
}

// A real answer came, whatever became of it: it is paid, and the server is well.
constexpr bool is_answer(OutcomeClass c) {
  return c == OutcomeClass::done || c == OutcomeClass::not_accepted;
}

// Which resource a rate_limited answer was about.
enum class LimitedBy : std::uint8_t { unspecified, requests, tokens, images, concurrency };

constexpr std::string_view to_string(LimitedBy by) {
  constexpr std::array<std::string_view, 5> names = {"limit", "requests", "tokens", "images",
                                                     "concurrency"};
  return names[static_cast<std::size_t>(by)];
}

// The most that one answer is believed to have used of anything: a hundred times the longest
// context there is (10 million tokens), and a million of it fit 64 bits.
constexpr std::int64_t usage_max = 1'000'000'000;

// What the provider says it charged, each at most usage_max. Zero where it says nothing.
struct Usage {
  std::int64_t input_tokens = 0;
  std::int64_t output_tokens = 0;
  std::int64_t images = 0;
  std::int64_t characters = 0;

  Usage& operator+=(const Usage& more) {
    input_tokens += more.input_tokens;
    output_tokens += more.output_tokens;
    images += more.images;
    characters += more.characters;
    return *this;
  }

  friend bool operator==(const Usage&, const Usage&) = default;
};

// One limit as a reply tells of it. What the reply leaves out is absent; -1, and values that
// contradict each other, count as left out.
struct LimitFact {
  Resource resource = Resource::requests;
  // Known from the dialect, or from the words of the reply; absent: the monitor may infer it.
  std::optional<Duration> window;
  std::optional<std::int64_t> limit;      // At least 1.
  std::optional<std::int64_t> remaining;  // At least 0. After this request.
  std::optional<std::int64_t> used;       // Of a refusal: before this request.
  // From the reply's arrival, above zero: until the limit is full again (never sooner than one more
  // request fits), where the dialect says so.
  std::optional<Duration> full_in;
  bool refills = false;   // By the dialect a bucket that refills evenly: full_in tells its window.
  bool violated = false;  // It is what refused the request.

  friend bool operator==(const LimitFact&, const LimitFact&) = default;
};

// Whom a refusal concerns.
enum class RefusalScope : std::uint8_t {
  lane,      // This model, for keys of this group.
  provider,  // All models, for keys of this group: an account or project is out of quota.
};

// What a reply says about limits, in neutral form, whatever header or body it stood in.
struct Facts {
  std::optional<Duration> wait;  // Asked for by the server, from the reply's arrival; above zero.
  RefusalScope scope = RefusalScope::lane;  // Of a refusal.
  std::vector<LimitFact> limits;
  // What the server says this request costs, in the resource of the violated limit.
  std::optional<std::int64_t> requested;
  std::optional<std::int32_t> concurrency_max;  // At least 1.
  std::optional<WallTime> server_time;          // Its Date: whole seconds, cut off.
};

// A file that came inside an answer, decoded. The driver writes it below the assets folder.
struct Asset {
  std::string bytes;      // Empty where it is in a file already...
  std::string path;       // ...which then is this one, see ReplyFile.
  std::string extension;  // From the content itself: "png", "jpg", "mp3", ...; "bin".
};

// The content of an answer. A text answer has `text`; one with files has `assets` until the driver
// has written them, or `links` until it has fetched them, then `files` (paths as the user sees
// them). An embedding has only `body_json`.
struct Answer {
  std::string text;
  std::vector<Asset> assets;
  std::vector<std::string> links;  // https URLs of files to fetch, in the answer's order.
  std::vector<std::string> files;
  // The whole reply body, for jobs that gave a raw body and for results that are no text; else
  // empty. "file:0" in it names the first of `files`.
  std::string body_json;
  std::string finish_reason;  // As the provider says it; empty where it says nothing.
  bool truncated = false;     // Cut at max_tokens.
};

struct Outcome {
  OutcomeClass kind = OutcomeClass::unknown;
  LimitedBy limited = LimitedBy::unspecified;  // Of rate_limited.
  std::string message;           // The server's or our words, for people; at most 1,000 bytes, raw.
  std::int32_t http_status = 0;  // 0: no status line came.
  std::string request_id;        // As the provider names it, for its support.
  bool sent = true;              // The request may have reached the server: possibly paid.
  Usage usage;
  Facts facts;
  std::optional<Answer> answer;  // Exactly where kind is done or not_accepted.
  bool unreadable = false;       // Of bad_reply: not even its form is the provider's.
  // Of network: our own disk or machine failed before anything was sent.
  bool local = false;
  // Of unknown: an answer came, and is paid, but its files could not be kept.
  bool answer_lost = false;
};

// What an outcome says about the server: what a circuit breaker counts.
enum class ServerHealth : std::uint8_t {
  no_verdict,  // It says nothing: refused for a limit, given up, or failed by our own machine.
  well,
  failing,
};

// An answer without content is the model's doing, not a server that is down; a request that we
// could not even send says nothing about the server.
constexpr ServerHealth health_of(const Outcome& outcome) {
  switch (outcome.kind) {
    case OutcomeClass::done:
    case OutcomeClass::not_accepted:
      return ServerHealth::well;
    case OutcomeClass::bad_reply:
      if (!outcome.local && !outcome.unreadable) return ServerHealth::well;
      [[fallthrough]];
    case OutcomeClass::server_error:
    case OutcomeClass::overloaded:
    case OutcomeClass::timeout:
    case OutcomeClass::network:
      return outcome.local ? ServerHealth::no_verdict : ServerHealth::failing;
    case OutcomeClass::invalid_request:
    case OutcomeClass::too_large:
    case OutcomeClass::content_policy:
    case OutcomeClass::not_found:
      return outcome.sent ? ServerHealth::well : ServerHealth::no_verdict;
    case OutcomeClass::rate_limited:
    case OutcomeClass::quota_exhausted:
    case OutcomeClass::no_credit:
    case OutcomeClass::refused_key:
    case OutcomeClass::unknown:
      return ServerHealth::no_verdict;
  }
  return ServerHealth::no_verdict;
}

}  // namespace ratebatch::inline model
