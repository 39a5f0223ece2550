#include "provider/refusal.hpp"

#include <algorithm>
#include <chrono>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "provider/error_class.hpp"
#include "provider/limit_words.hpp"
#include "provider/server_values.hpp"
#include "ratebatch/base/ascii.hpp"

namespace ratebatch::provider {
namespace {

// What matters of an error stands at the beginning, if at all.
constexpr std::size_t words_bytes_max = 4096;

using Wait = std::optional<Duration>;

bool is_used_up(const LimitFact& fact) { return fact.remaining == 0; }

LimitedBy limited_by(Resource resource) {
  switch (resource) {
    case Resource::requests:
      return LimitedBy::requests;
    case Resource::tokens:
    case Resource::input_tokens:
    case Resource::output_tokens:
      return LimitedBy::tokens;
    case Resource::images:
      return LimitedBy::images;
    case Resource::characters:
      return LimitedBy::unspecified;
  }
  return LimitedBy::unspecified;
}

// Whether a fact of the headers is about the limit of which the body tells.
bool is_same_limit(const LimitFact& fact, const LimitFact& named) {
  if (fact.resource != named.resource) return false;
  if (fact.window && named.window && fact.window != named.window) return false;
  if (fact.limit && named.limit) return fact.limit == named.limit;
  if (named.limit && fact.remaining > named.limit) return false;
  return is_used_up(fact) || (fact.window && fact.window == named.window);
}

// Adds what the body tells, if it is more than the resource, to the fact of the headers about the
// same limit, or as a fact of its own.
void add_violated(LimitFact named, std::vector<LimitFact>& facts) {
  if (!named.window && !named.limit) return;
  named.violated = true;
  for (LimitFact& fact : facts) {
    if (fact.violated || !is_same_limit(fact, named)) continue;
    if (named.window) fact.window = named.window;
    if (named.limit) fact.limit = named.limit;
    fact.used = named.used;
    fact.violated = true;
    return;
  }
  facts.push_back(named);
}

void add_words(const LimitWords& words, Facts& facts) {
  facts.requested = words.requested;
  add_violated({.resource = *words.resource,
                .window = words.window,
                .limit = words.limit,
                .used = words.used},
               facts.limits);
}

void add_violations(const QuotaDetails& quota, Facts& facts) {
  for (const NamedLimit& violation : quota.violations) {
    if (!violation.resource || violation.limit == 0) continue;
    add_violated(
        {.resource = *violation.resource, .window = violation.window, .limit = violation.limit},
        facts.limits);
  }
}

void mark_policies(const std::vector<std::string>& violated, const HeaderFacts& headers,
                   Facts& facts) {
  for (std::size_t i = 0; i < std::min(headers.policies.size(), facts.limits.size()); ++i) {
    const bool is_violated =
        std::find(violated.begin(), violated.end(), headers.policies[i]) != violated.end();
    facts.limits[i].violated = facts.limits[i].violated || is_violated;
  }
}

// The body names no limit: it is the one of which nothing remains, where there is only one, or only
// one of the resource that was named.
void mark_used_up(std::optional<Resource> resource, Wait window, Facts& facts) {
  LimitFact* found = nullptr;
  for (LimitFact& fact : facts.limits) {
    if (!is_used_up(fact) || (resource && fact.resource != *resource)) continue;
    if (window && fact.window && *window != *fact.window) continue;
    if (found != nullptr) return;
    found = &fact;
  }
  if (found == nullptr) return;
  found->violated = true;
  if (window) found->window = window;
}

bool has_violated(const Facts& facts) {
  return std::any_of(facts.limits.begin(), facts.limits.end(),
                     [](const LimitFact& fact) { return fact.violated; });
}

void mark_violated(const LimitWords& limit, const ErrorWords& words, const HeaderFacts& headers,
                   Outcome& refusal) {
  Facts& facts = refusal.facts;
  add_violations(words.quota, facts);
  mark_policies(words.violated_policies, headers, facts);
  if (!has_violated(facts) && limit.resource) add_words(limit, facts);
  const auto resource = limit.resource ? limit.resource : headers.limiting;
  if (!has_violated(facts)) mark_used_up(resource, limit.window, facts);
  std::optional<LimitedBy> limited;
  if (resource) limited = limited_by(*resource);
  bool is_long = false;
  for (const LimitFact& fact : facts.limits) {
    if (!fact.violated) continue;
    const LimitedBy by = limited_by(fact.resource);
    limited = limited && *limited != by ? LimitedBy::unspecified : by;
    is_long = is_long || fact.window > short_window_max;
    const bool costs_tokens = fact.resource == Resource::tokens && !facts.requested;
    if (costs_tokens) facts.requested = headers.token_cost;
  }
  if (refusal.kind == OutcomeClass::rate_limited && is_long) {
    refusal.kind = OutcomeClass::quota_exhausted;
  }
  if (refusal.kind == OutcomeClass::rate_limited) {
    refusal.limited = limited.value_or(LimitedBy::unspecified);
  }
}

// Until the limits of which nothing remains are full again: always enough, often more.
Wait wait_for_reset(const Facts& facts, const HeaderFacts& headers) {
  Wait wait = headers.lone_reset;
  const bool knows_which = has_violated(facts);
  for (const LimitFact& fact : facts.limits) {
    if (!is_used_up(fact) || (knows_which && !fact.violated)) continue;
    // Azure says that it is full again in 0 s, and means at the end of the period.
    const bool is_short = fact.window && *fact.window <= short_window_max;
    wait = std::max(wait, fact.full_in ? fact.full_in : is_short ? fact.window : std::nullopt);
  }
  return wait ? std::min(*wait, wait_hint_max) : wait;
}

// Azure, with nothing left and no reset: 0 ms, rounded up to a second, is no hint.
bool is_rounded_zero(const HttpReply& reply, Wait wait) {
  return wait == std::chrono::seconds{1} && trimmed(reply.header("retry-after-ms")) == "0";
}

Wait wait_of(const Outcome& refusal, const HttpReply& reply, const ErrorWords& words,
             const HeaderFacts& headers, std::string_view text) {
  Wait wait = wait_hint(reply, text);
  wait = std::max(wait, google_wait(words.quota, text));
  wait = std::max(wait, words.retry_after);
  const bool is_of_limit =
      refusal.kind == OutcomeClass::rate_limited || refusal.kind == OutcomeClass::quota_exhausted;
  if (!is_of_limit || refusal.facts.scope == RefusalScope::provider) return wait;
  const bool is_google_day =
      refusal.kind == OutcomeClass::quota_exhausted && !words.quota.violations.empty();
  if (is_google_day && wait < std::chrono::hours{1}) return std::nullopt;
  if (!wait || is_rounded_zero(reply, wait)) {
    wait = std::max(wait, wait_for_reset(refusal.facts, headers));
  }
  return wait;
}

// Whether it is one limit that refuses, and not an account that is closed for all.
bool is_about_limit(const Outcome& refusal, const LimitWords& limit) {
  const bool is_account = refusal.facts.scope == RefusalScope::provider && !limit.is_trial;
  if (is_account) return false;
  return refusal.kind == OutcomeClass::rate_limited ||
         refusal.kind == OutcomeClass::quota_exhausted ||
         (refusal.kind == OutcomeClass::too_large && limit.never_fits);
}

// The headers of the server behind a gateway, which the gateway put into the body.
HeaderFacts inner_headers(const HttpReply& reply, const ErrorWords& words) {
  if (words.headers.empty()) return {};
  std::vector<Header> headers = words.headers;
  headers.push_back({.name = "date", .value = std::string(reply.header("date"))});
  return read_limit_headers(headers);
}

}  // namespace

Outcome read_refusal(const HttpReply& reply, const ErrorWords& words,
                     const HeaderFacts& own_headers) {
  const HeaderFacts inner = inner_headers(reply, words);
  const HeaderFacts& headers = inner.limits.empty() ? own_headers : inner;
  Outcome refusal;
  refusal.kind = OutcomeClass::bad_reply;
  refusal.facts.limits = headers.limits;
  refusal.facts.concurrency_max = own_headers.concurrency_max;
  refusal.facts.server_time = own_headers.server_time;
  const std::string_view text = std::string_view(words.message.empty() ? reply.body : words.message)
                                    .substr(0, words_bytes_max);
  const LimitWords limit = limit_in_words(words.type, words.code, text);
  const bool is_success = reply.status >= 200 && reply.status < 300;
  const std::int32_t status = is_success ? status_of_error(words) : reply.status;
  if (status != 0) {
    const bool nothing_left = std::any_of(headers.limits.begin(), headers.limits.end(), is_used_up);
    const ErrorMeaning meaning = meaning_of_error({.status = status,
                                                   .has_wait = wait_hint(reply, {}).has_value(),
                                                   .is_used_up = nothing_left},
                                                  words, limit);
    refusal.kind = meaning.kind;
    refusal.facts.scope = meaning.scope;
  }
  if (limit.is_concurrency && refusal.kind == OutcomeClass::rate_limited) {
    refusal.limited = LimitedBy::concurrency;
  } else if (is_about_limit(refusal, limit)) {
    mark_violated(limit, words, headers, refusal);
  }
  refusal.facts.wait = wait_of(refusal, reply, words, headers, text);
  return refusal;
}

}  // namespace ratebatch::provider
