// How tests write down what a reply says about limits: one line of text per reply.
#pragma once

#include <chrono>
#include <string>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::facts_support {

// Exactly: "84ms", "20s", "45802876620ns".
inline std::string shown(Duration d) {
  if (d % std::chrono::seconds{1} == Duration::zero()) {
    return std::to_string(d / std::chrono::seconds{1}) + "s";
  }
  const bool is_ms = d % std::chrono::milliseconds{1} == Duration::zero();
  return is_ms ? std::to_string(to_ms(d)) + "ms" : std::to_string(d.count()) + "ns";
}

// "tokens 150000 left 149984 full 360s per 60s refills violated used 3", without what is absent.
inline std::string shown(const LimitFact& fact) {
  std::string text{to_string(fact.resource)};
  if (fact.limit) text += " " + std::to_string(*fact.limit);
  if (fact.remaining) text += " left " + std::to_string(*fact.remaining);
  if (fact.full_in) text += " full " + shown(*fact.full_in);
  if (fact.window) text += " per " + shown(*fact.window);
  if (fact.refills) text += " refills";
  if (fact.violated) text += " violated";
  if (fact.used) text += " used " + std::to_string(*fact.used);
  return text;
}

// The facts in their order, separated by "; ".
inline std::string shown(const std::vector<LimitFact>& facts) {
  std::string text;
  for (const LimitFact& fact : facts) text += (text.empty() ? "" : "; ") + shown(fact);
  return text;
}

// Class, limit, wait, scope, cost and facts: "rate_limited by tokens, wait 84ms, requested 4412:
// tokens 200000 ...".
inline std::string shown(const Outcome& outcome) {
  std::string text{to_string(outcome.kind)};
  if (outcome.limited != LimitedBy::unspecified) text += " by ";
  if (outcome.limited != LimitedBy::unspecified) text += to_string(outcome.limited);
  const Facts& facts = outcome.facts;
  if (facts.wait) text += ", wait " + shown(*facts.wait);
  if (facts.scope == RefusalScope::provider) text += ", provider";
  if (facts.requested) text += ", requested " + std::to_string(*facts.requested);
  return facts.limits.empty() ? text : text + ": " + shown(facts.limits);
}

}  // namespace ratebatch::facts_support
