// Retry: how long to wait after which kind of refusal.
#include "input/config_parts.hpp"

namespace ratebatch::input {
namespace {

// Waits from a millisecond to a week: a longer one is a mistake in the unit.
constexpr Duration wait_min = std::chrono::milliseconds{1};
constexpr Duration wait_max = std::chrono::hours{24 * 7};

// Beyond this a job is not retried, it is stuck.
constexpr std::int32_t retries_max = 1000;

void read_growth(const ConfigNode& node, Growth& out) {
  const std::string& text = node.yaml.text;
  if (text != "exponential" && text != "linear") {
    return node.complain("expected exponential (each wait twice the last) or linear");
  }
  out = text == "linear" ? Growth::linear : Growth::doubling;
}

void read_rule(const ConfigNode& node, RetryRule& out, Duration* pause) {
  RetryRule rule = out;
  std::vector<ConfigKey> keys = {{"retries", into(rule.retries, read_whole, 0, retries_max)},
                                 {"base", into(rule.base, read_length, wait_min, wait_max)},
                                 {"max", into(rule.max, read_length, wait_min, wait_max)},
                                 {"growth", into(rule.growth, read_growth)}};
  if (pause != nullptr) keys.push_back({"pause", into(*pause, read_length, wait_min, wait_max)});
  read_keys(node, keys);
  if (rule.max < rule.base) {
    return node.complain("max (" + format_duration(rule.max) + ") is below base (" +
                         format_duration(rule.base) + "); expected at least as much");
  }
  out = rule;
}

}  // namespace

void read_retry(const ConfigNode& node, RetrySettings& out) {
  const auto rule = [](RetryRule& target, Duration* pause = nullptr) {
    return into(target, read_rule, pause);
  };
  read_keys(node, {{"rate_limit", rule(out.rate_limit)},
                   {"concurrency", rule(out.concurrency)},
                   {"quota", rule(out.quota, &out.quota_pause)},
                   {"server", rule(out.server)},
                   {"jitter", into(out.jitter_per_mille, read_share, 0, 1000)}});
}

}  // namespace ratebatch::input
