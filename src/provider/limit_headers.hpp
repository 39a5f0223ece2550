// What the headers of a reply say about limits, by their names, in whatever dialect they are
// written.
//
// Read by the names and values of the headers alone, for every API: which server answers behind a
// base_url is not known beforehand. Pure; on replies without such headers it allocates nothing.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/model/http.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::provider {

enum class LimitField : std::uint8_t { limit, remaining, reset, renewal_period };

enum class LimitFamily : std::uint8_t {
  per_resource,  // x-ratelimit-, with a resource behind it.
  plain,         // Without one: requests. And Together's x-tokenlimit-.
  anthropic,
  by_size,  // Mistral: tokens.
};

struct LimitHeader {
  LimitFamily family = LimitFamily::plain;
  LimitField field = LimitField::limit;
  Resource resource = Resource::requests;
  std::optional<Duration> window;  // Where the name says it.
  bool is_project = false;         // A second limit of the same kind, for the project.
  bool is_dynamic = false;         // Together: as of now, beside the one of the plan.

  [[nodiscard]] bool is_same_limit(const LimitHeader& other) const {
    return family == other.family && resource == other.resource && window == other.window &&
           is_project == other.is_project && is_dynamic == other.is_dynamic;
  }
};

// nullopt if the header is none of these, or has a word that is not known: it may then mean
// anything. Precondition: in lower case.
std::optional<LimitHeader> limit_header(std::string_view header_name);

// What all headers of a reply say.
struct HeaderFacts {
  std::vector<LimitFact> limits;      // None is marked as violated.
  std::vector<std::string> policies;  // The names of the first limits, where they have any.
  std::optional<std::int32_t> concurrency_max;
  std::optional<WallTime> server_time;
  std::optional<Resource> limiting;  // Which resource the server says it judged by.
  // A reset without a limit and what remains of it: not a fact, but a wait where it refuses.
  std::optional<Duration> lone_reset;
  std::optional<std::int64_t> token_cost;  // Of this request, as the limits count it.
  std::int64_t characters = 0;             // Charged for this request.
};

// Understands, by prefix:
// - x-ratelimit-, x-rate-limit-: OpenAI and those like it (with -requests, -tokens, -images,
//   -characters, project- and a window behind them), Azure with renewalperiod, Groq, Mistral,
//   Together; without a resource: GitHub, OpenRouter, express, fastify;
// - anthropic-ratelimit-; its priority and fast tiers are no limits of admission, and left out;
// - x-tokenlimit- (Together), ratelimitbysize- (Mistral), x-trial-endpoint-call- and
//   x-endpoint-monthly-call-limit (Cohere);
// - RateLimit and what belongs to it, see rate_limit_fields.hpp;
// - maximum-concurrent-requests, character-cost (ElevenLabs); date.
// Empty, negative and other strange values count as left out; of repeated ones the first holds. A
// limit of 0, or more left of a limit than it has, is no limit that is known: it is left out whole.
// Precondition: names are in lower case.
HeaderFacts read_limit_headers(const std::vector<Header>& headers);

}  // namespace ratebatch::provider
