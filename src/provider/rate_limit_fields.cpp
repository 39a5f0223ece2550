#include "provider/rate_limit_fields.hpp"

#include <algorithm>
#include <chrono>
#include <iterator>
#include <limits>
#include <string_view>
#include <utility>

#include "provider/server_values.hpp"
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

// nullopt for zero, and for more than reset_max.
std::optional<Duration> seconds_of(Count count) {
  if (!count || *count < 1 || *count > reset_max / std::chrono::seconds{1}) return std::nullopt;
  return std::chrono::seconds{*count};
}

// False if `value` is there, but is no whole number from 0.
bool read_count(const FieldValue* value, Count& out) {
  if (value == nullptr) return true;
  out = value->integer;
  return value->kind == Kind::integer && value->integer >= 0;
}

bool is_name(const FieldValue& value) {
  return value.kind == Kind::string || value.kind == Kind::token;
}

std::optional<Policy> read_policy(const FieldItem& item) {
  Policy policy;
  const bool is_named = is_name(item.value);
  const FieldValue* quota = is_named ? item.parameter("q") : &item.value;
  const FieldValue* unit = item.parameter("qu");
  Count window;
  const bool has_form = item.key.empty() && quota != nullptr && read_count(quota, policy.quota) &&
                        read_count(item.parameter("w"), window) &&
                        (unit == nullptr || is_name(*unit));
  if (!has_form) return std::nullopt;
  if (is_named) policy.name = item.value.text;
  policy.unit = unit == nullptr ? "requests" : unit->text;
  policy.window = seconds_of(window);
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
      std::erase_if(policies_, [&, same = *policy](const Policy& p) {
        return p.name.empty() && p.quota == same.quota && p.window == same.window;
      });
    }
    fact.limit = above_zero(fact.limit);
    add("", "requests", fact);
  }

  // The policies of which no limit told anything follow by themselves.
  HeaderFacts take() {
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
  HeaderFacts found_;
};

// Draft 08 and later: "default";r=50;t=30
void read_named(const std::vector<FieldItem>& items, FactList& facts) {
  std::vector<std::pair<std::string, LimitFact>> limits;
  for (const FieldItem& item : items) {
    LimitFact fact;
    Count reset;
    const bool has_form = item.key.empty() && is_name(item.value) &&
                          read_count(item.parameter("r"), fact.remaining) && fact.remaining &&
                          read_count(item.parameter("t"), reset);
    if (!has_form) return;
    fact.full_in = seconds_of(reset);
    limits.emplace_back(item.value.text, fact);
  }
  for (auto& [name, fact] : limits) facts.add_named(name, fact);
}

// Draft 07: limit=100, remaining=50, reset=5
void read_dictionary(const std::vector<FieldItem>& items, FactList& facts) {
  LimitFact fact;
  for (const FieldItem& item : items) {
    Count reset;
    if (item.key == "limit" && !read_count(&item.value, fact.limit)) return;
    if (item.key == "remaining" && !read_count(&item.value, fact.remaining)) return;
    if (item.key != "reset") continue;
    if (!read_count(&item.value, reset)) return;
    fact.full_in = seconds_of(reset);
  }
  if (!fact.limit && !fact.remaining) return;
  facts.add_unnamed(fact);
}

// Up to draft 06: three fields. The first number of RateLimit-Limit is the limit, the others are
// policies.
HeaderFacts read_three(const RateLimitTexts& texts, std::vector<Policy> policies,
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

HeaderFacts read_rate_limit_fields(const RateLimitTexts& texts,
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
