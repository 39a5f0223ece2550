#include "provider/rate_limit_fields.hpp"

#include <algorithm>
#include <chrono>
#include <limits>
#include <string_view>
#include <utility>

#include "provider/number_text.hpp"
#include "provider/reset_value.hpp"
#include "provider/structured_field.hpp"

namespace ratebatch::provider {
namespace {

using Kind = FieldValue::Kind;
using Count = std::optional<std::int64_t>;

struct Policy {
  std::string name;  // Empty up to draft 07: there the quota tells which limit it is of.
  std::string unit;
  Count quota;
  std::optional<Duration> window;
};

std::optional<Duration> seconds_above_zero(std::int64_t count, Duration most) {
  if (count < 1 || count > most / std::chrono::seconds{1}) return std::nullopt;
  return std::chrono::seconds{count};
}

// Nothing where `value` is there, but is no whole number from 0.
std::optional<Count> count_in(const FieldValue* value) {
  if (value == nullptr) return Count{};
  if (value->kind != Kind::integer || value->integer < 0) return std::nullopt;
  return Count{value->integer};
}

bool is_name(const FieldValue& value) {
  return value.kind == Kind::string || value.kind == Kind::token;
}

std::optional<Policy> read_policy(const FieldItem& item) {
  Policy policy;
  const bool is_named = is_name(item.value);
  const auto quota = count_in(is_named ? item.parameter("q") : &item.value);
  const auto window = count_in(item.parameter("w"));
  const FieldValue* unit = item.parameter("qu");
  const bool is_unit_bad = unit != nullptr && !is_name(*unit);
  if (!item.key.empty() || !quota || !*quota || !window || is_unit_bad) return std::nullopt;
  if (is_named) policy.name = item.value.text;
  policy.unit = unit == nullptr ? "requests" : unit->text;
  policy.quota = *quota;
  if (*window) policy.window = seconds_above_zero(**window, reset_max);
  return policy;
}

std::vector<Policy> read_policies(const std::vector<FieldItem>& items) {
  std::vector<Policy> policies;
  for (const FieldItem& item : items) {
    std::optional<Policy> policy = read_policy(item);
    if (!policy) return {};
    policies.push_back(std::move(*policy));
  }
  return policies;
}

Count above_zero(Count count) { return count && *count > 0 ? count : std::nullopt; }

// Collects facts, and gives each the window and quota of its policy.
class FactList {
 public:
  explicit FactList(std::vector<Policy> policies) : policies_(std::move(policies)) {}

  // A limit that has a name (draft 08 and later).
  void add_named(const std::string& name, LimitFact fact) {
    const auto policy = std::find_if(policies_.begin(), policies_.end(),
                                     [&](const Policy& p) { return p.name == name; });
    std::string unit = "requests";
    if (policy != policies_.end()) {
      fact.limit = above_zero(policy->quota);
      fact.window = policy->window;
      unit = policy->unit;
      policies_.erase(policy);
    }
    add(name, unit, fact);
  }

  // The limit of a reply that names none: its policy has the same quota.
  void add_unnamed(LimitFact fact) {
    const auto policy = std::find_if(policies_.begin(), policies_.end(), [&](const Policy& p) {
      return p.name.empty() && p.quota == fact.limit;
    });
    if (policy != policies_.end()) {
      fact.window = policy->window;
      // Servers state the same policy in two fields.
      std::erase_if(policies_, [&, told = *policy](const Policy& p) {
        return p.name.empty() && p.quota == told.quota && p.window == told.window;
      });
    }
    fact.limit = above_zero(fact.limit);
    add("", "requests", fact);
  }

  // The policies of which no limit told anything follow by themselves.
  RateLimits take() {
    const std::vector<Policy> rest = std::exchange(policies_, {});
    for (const Policy& policy : rest) {
      LimitFact fact;
      fact.limit = above_zero(policy.quota);
      fact.window = policy.window;
      if (fact.limit) add(policy.name, policy.unit, fact);
    }
    return std::move(found_);
  }

 private:
  void add(const std::string& name, std::string_view unit, const LimitFact& fact) {
    if (unit == "concurrent-requests") {
      const bool fits = fact.limit && *fact.limit <= std::numeric_limits<std::int32_t>::max();
      if (fits) found_.concurrency_max = static_cast<std::int32_t>(fact.limit.value_or(1));
      return;
    }
    if (unit != "requests" && unit != "tokens") return;
    found_.limits.push_back(fact);
    found_.limits.back().resource = unit == "tokens" ? Resource::tokens : Resource::requests;
    found_.policies.push_back(name);
  }

  std::vector<Policy> policies_;
  RateLimits found_;
};

// Draft 08 and later: "default";r=50;t=30
void read_named(const std::vector<FieldItem>& items, FactList& facts) {
  std::vector<std::pair<std::string, LimitFact>> limits;
  for (const FieldItem& item : items) {
    const auto remaining = count_in(item.parameter("r"));
    const auto reset = count_in(item.parameter("t"));
    const bool has_form = item.key.empty() && is_name(item.value);
    if (!has_form || !remaining || !*remaining || !reset) return;
    LimitFact fact;
    fact.remaining = *remaining;
    if (*reset) fact.full_in = seconds_above_zero(**reset, reset_max);
    limits.emplace_back(item.value.text, fact);
  }
  for (auto& [name, fact] : limits) facts.add_named(name, fact);
}

// Draft 07: limit=100, remaining=50, reset=5
void read_dictionary(const std::vector<FieldItem>& items, FactList& facts) {
  LimitFact fact;
  for (const FieldItem& item : items) {
    const auto count = count_in(&item.value);
    if (item.key == "limit" || item.key == "remaining" || item.key == "reset") {
      if (!count || !*count) return;
    }
    if (item.key == "limit") fact.limit = *count;
    if (item.key == "remaining") fact.remaining = *count;
    if (item.key == "reset") fact.full_in = seconds_above_zero(**count, reset_max);
  }
  if (!fact.limit && !fact.remaining) return;
  facts.add_unnamed(fact);
}

// Up to draft 06: three fields. The first number of RateLimit-Limit is the limit, the others are
// policies.
RateLimits read_three(const RateLimitTexts& texts, std::vector<Policy> policies,
                      std::optional<WallTime> server_time) {
  LimitFact fact;
  const auto items = parse_structured_field(texts.limit);
  if (items && !items->empty()) {
    std::vector<Policy> listed = read_policies(*items);
    if (!listed.empty()) {
      fact.limit = listed.front().quota;
      if (!listed.front().window) listed.erase(listed.begin());
      policies.insert(policies.end(), std::make_move_iterator(listed.begin()),
                      std::make_move_iterator(listed.end()));
    }
  }
  fact.remaining = header_count(texts.remaining);
  fact.full_in = until_reset(texts.reset, server_time);
  FactList facts(std::move(policies));
  if (fact.limit || fact.remaining || fact.full_in) facts.add_unnamed(fact);
  return facts.take();
}

}  // namespace

RateLimits read_rate_limit_fields(const RateLimitTexts& texts,
                                  std::optional<WallTime> server_time) {
  const auto policy_items = parse_structured_field(texts.policy);
  std::vector<Policy> policies =
      policy_items ? read_policies(*policy_items) : std::vector<Policy>{};
  const auto items = parse_structured_field(texts.rate_limit);
  if (!items || items->empty()) return read_three(texts, std::move(policies), server_time);
  FactList facts(std::move(policies));
  const bool is_dictionary = !items->front().key.empty();
  // What is malformed says nothing; the policies still do.
  if (is_dictionary) {
    read_dictionary(*items, facts);
  } else {
    read_named(*items, facts);
  }
  return facts.take();
}

}  // namespace ratebatch::provider
