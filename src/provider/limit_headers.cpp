#include "provider/limit_headers.hpp"

#include <algorithm>
#include <array>
#include <chrono>
#include <limits>
#include <utility>

#include "provider/limit_words.hpp"
#include "provider/rate_limit_fields.hpp"
#include "provider/server_values.hpp"
#include "ratebatch/base/ascii.hpp"

namespace ratebatch::provider {
namespace {

// The words behind a prefix complete its meaning.
constexpr std::array<std::pair<std::string_view, LimitHeader>, 7> prefixes = {{
    {"x-ratelimit-", {}},
    {"x-rate-limit-", {}},
    {"x-tokenlimit-", {.resource = Resource::tokens}},
    {"anthropic-ratelimit-", {.family = LimitFamily::anthropic}},
    {"ratelimitbysize-", {.family = LimitFamily::by_size, .resource = Resource::tokens}},
    {"x-ratelimitbysize-", {.family = LimitFamily::by_size, .resource = Resource::tokens}},
    // Cohere, trial keys: calls per minute.
    {"x-trial-endpoint-call-", {.window = std::chrono::minutes{1}}},
}};

std::optional<LimitField> field_named(std::string_view word) {
  if (word == "limit") return LimitField::limit;
  if (word == "remaining") return LimitField::remaining;
  if (word == "reset") return LimitField::reset;
  if (word == "renewalperiod") return LimitField::renewal_period;
  return std::nullopt;
}

// Words in any order; each says one thing.
std::optional<LimitHeader> read_words(std::string_view words, LimitHeader name) {
  bool has_field = false;
  bool has_resource = false;
  std::optional<Resource> part;  // Of the tokens.
  while (!words.empty()) {
    const auto [word, rest] = parted(words, '-');
    words = rest.value_or("");
    if (const auto field = field_named(word); field && !has_field) {
      name.field = *field;
      has_field = true;
    } else if (const auto resource = resource_named(word)) {
      name.resource = *resource;
      has_resource = true;
    } else if (const auto window = window_named(word)) {
      name.window = window;
    } else if (word == "project") {
      name.is_project = true;
    } else if (word == "dynamic") {
      name.is_dynamic = true;
    } else if (word == "input" || word == "prompt") {
      part = Resource::input_tokens;
    } else if (word == "output" || word == "generated") {
      part = Resource::output_tokens;
    } else {
      return std::nullopt;
    }
  }
  if (!has_field || (part && name.resource != Resource::tokens)) return std::nullopt;
  name.resource = part.value_or(name.resource);
  const bool is_plain = name.family == LimitFamily::plain;
  if (has_resource && is_plain) name.family = LimitFamily::per_resource;
  return name;
}

// The headers of one limit, as they come. Resets are read at the end: some need the Date.
struct Limit {
  LimitHeader name;
  LimitFact fact;
  std::string_view reset;
  bool is_unknown = false;
};

// Azure writes 0 or -1, for all values, where it has no limit.
bool says_unknown(std::string_view limit) {
  return trimmed(limit).starts_with('-') || header_count(limit) == 0;
}

class LimitReader {
 public:
  void read(const Header& header) {
    const std::string_view name = header.name;
    if (name.empty()) return;
    const std::string_view value = header.value;
    // By the first letter, because most headers of a reply are none of these.
    if (name.front() == 'x') return read_x(name, value);
    if (name.front() == 'r') return read_r(name, value);
    if (name.front() == 'a' && name.starts_with("anthropic-ratelimit-")) {
      return read_limit(name, value);
    }
    if (name == "date") {
      if (!facts_.server_time) facts_.server_time = parse_http_date(value);
    } else if (name == "maximum-concurrent-requests") {
      const auto count = header_count(value);
      const bool fits = count && *count >= 1 && *count <= std::numeric_limits<std::int32_t>::max();
      if (fits) facts_.concurrency_max = static_cast<std::int32_t>(*count);
    } else if (name == "character-cost") {
      facts_.characters = header_count(value).value_or(facts_.characters);
    }
  }

  HeaderFacts take() {
    for (const Limit& limit : limits_) add(limit);
    if (has_fields_) add_fields(read_rate_limit_fields(fields_, facts_.server_time));
    return std::move(facts_);
  }

 private:
  void read_x(std::string_view name, std::string_view value) {
    if (name == "x-ratelimit-type") {
      facts_.limiting = resource_named(lower_case(trimmed(value)));
    } else if (name == "x-character-count") {
      if (facts_.characters == 0) facts_.characters = header_count(value).value_or(0);
    } else if (name.starts_with("x-groq-")) {
      is_groq_ = true;
    } else {
      is_together_ =
          is_together_ || name.starts_with("x-together") || name.starts_with("x-tokenlimit-");
      read_limit(name, value);
    }
  }

  void read_r(std::string_view name, std::string_view value) {
    if (!name.starts_with("ratelimit")) return;
    constexpr std::array<std::pair<std::string_view, std::string RateLimitTexts::*>, 5> fields = {
        {{"ratelimit", &RateLimitTexts::rate_limit},
         {"ratelimit-policy", &RateLimitTexts::policy},
         {"ratelimit-limit", &RateLimitTexts::limit},
         {"ratelimit-remaining", &RateLimitTexts::remaining},
         {"ratelimit-reset", &RateLimitTexts::reset}}};
    for (const auto& [field, text] : fields) {
      if (name != field) continue;
      std::string& joined = fields_.*text;
      if (!joined.empty()) joined += ", ";
      joined += value;
      has_fields_ = true;
      return;
    }
    if (name == "ratelimitbysize-query-cost") {
      facts_.token_cost = header_count(value);
    } else {
      read_limit(name, value);
    }
  }

  void read_limit(std::string_view header_name, std::string_view value) {
    const std::optional<LimitHeader> name = limit_header(header_name);
    if (!name) return;
    Limit& limit = limit_named(*name);
    switch (name->field) {
      case LimitField::limit:
        limit.is_unknown = limit.is_unknown || says_unknown(value);
        if (!limit.fact.limit) limit.fact.limit = header_count(value);
        return;
      case LimitField::remaining:
        if (!limit.fact.remaining) limit.fact.remaining = header_count(value);
        return;
      case LimitField::reset:
        if (limit.reset.empty()) limit.reset = value;
        return;
      case LimitField::renewal_period:
        // Azure: the limit holds per renewal period, in seconds.
        if (!limit.fact.window) limit.fact.window = until_reset(value, std::nullopt);
        return;
    }
  }

  Limit& limit_named(const LimitHeader& name) {
    for (Limit& limit : limits_) {
      if (limit.name.is_same_limit(name)) return limit;
    }
    if (limits_.empty()) limits_.reserve(4);
    limits_.push_back({.name = name, .fact = {}, .reset = {}});
    limits_.back().fact.resource = name.resource;
    limits_.back().fact.window = name.window;
    return limits_.back();
  }

  void add(const Limit& limit) {
    if (limit.is_unknown) return;
    LimitFact fact = limit.fact;
    fact.full_in = until_reset(limit.reset, facts_.server_time);
    if (!fact.window) fact.window = window_of(limit.name);
    fact.refills = limit.name.family == LimitFamily::anthropic || is_refill(limit);
    add(fact);
  }

  // OpenAI and Groq refill evenly; their sign is a reset with units, where Azure and others that
  // count in fixed windows write plain seconds.
  static bool is_refill(const Limit& limit) {
    const bool has_unit = limit.reset.find_first_of("smh") != std::string_view::npos;
    return limit.name.family == LimitFamily::per_resource && has_unit;
  }

  // What the name leaves open and the server's documentation says.
  [[nodiscard]] std::optional<Duration> window_of(const LimitHeader& name) const {
    switch (name.family) {
      case LimitFamily::anthropic:
        return std::chrono::minutes{1};
      case LimitFamily::per_resource:
        if (is_groq_ && name.resource == Resource::requests) return std::chrono::hours{24};
        if (is_groq_ && name.resource == Resource::tokens) return std::chrono::minutes{1};
        return std::nullopt;
      case LimitFamily::plain:
        if (is_together_) return std::chrono::seconds{1};
        return std::nullopt;
      case LimitFamily::by_size:
        return std::nullopt;
    }
    return std::nullopt;
  }

  void add_fields(const HeaderFacts& fields) {
    if (fields.concurrency_max) facts_.concurrency_max = fields.concurrency_max;
    // Before the others, so that the names stand at the same index.
    std::vector<LimitFact> others = std::move(facts_.limits);
    facts_.limits.clear();
    for (std::size_t i = 0; i < fields.limits.size(); ++i) {
      const std::size_t before = facts_.limits.size();
      add(fields.limits[i]);
      if (facts_.limits.size() > before) facts_.policies.push_back(fields.policies[i]);
    }
    for (const LimitFact& other : others) {
      // Servers that send both kinds of headers say the same twice.
      const bool is_known = std::any_of(facts_.limits.begin(), facts_.limits.end(), [&](auto& f) {
        return f.resource == other.resource && f.limit == other.limit &&
               f.remaining == other.remaining;
      });
      if (!is_known) facts_.limits.push_back(other);
    }
  }

  void add(const LimitFact& fact) {
    if (!fact.limit && !fact.remaining) {
      if (fact.full_in) facts_.lone_reset = std::max(facts_.lone_reset, fact.full_in);
      return;
    }
    const bool is_contradiction = fact.limit && fact.remaining && *fact.remaining > *fact.limit;
    if (is_contradiction) return;
    if (facts_.limits.empty()) facts_.limits.reserve(limits_.size() + 1);
    facts_.limits.push_back(fact);
  }

  HeaderFacts facts_;
  std::vector<Limit> limits_;
  RateLimitTexts fields_;
  bool has_fields_ = false;
  bool is_groq_ = false;
  bool is_together_ = false;
};

}  // namespace

std::optional<LimitHeader> limit_header(std::string_view header_name) {
  if (header_name == "x-endpoint-monthly-call-limit") {  // Cohere, trial keys.
    return LimitHeader{.window = month_window};
  }
  for (const auto& [prefix, meaning] : prefixes) {
    if (!header_name.starts_with(prefix)) continue;
    return read_words(header_name.substr(prefix.size()), meaning);
  }
  return std::nullopt;
}

HeaderFacts read_limit_headers(const std::vector<Header>& headers) {
  LimitReader reader;
  for (const Header& header : headers) reader.read(header);
  return reader.take();
}

}  // namespace ratebatch::provider
