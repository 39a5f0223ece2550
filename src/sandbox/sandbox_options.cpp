#include "ratebatch/sandbox/sandbox_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <set>
#include <vector>

#include "ratebatch/base/text.hpp"
#include "sandbox/option_keys.hpp"

namespace ratebatch::sandbox {
namespace {

using sandbox::OptionKey;

tl::unexpected<Error> unknown_key(std::string_view name, const std::vector<OptionKey>& keys) {
  std::vector<std::string> names;
  for (const OptionKey& key : keys) names.push_back(key.name);
  return fail(ErrorCode::invalid_input,
              fmt::format("sandbox: unknown option '{}'{}; the options are {}", escaped(name),
                          did_you_mean(name, names), sandbox::option_overview()));
}

// Sets the option that `part`, "key=value", names.
Result<void> apply(SandboxOptions& options, std::string_view part,
                   const std::vector<OptionKey>& keys, std::set<std::string, std::less<>>& seen) {
  const std::size_t equals = part.find('=');
  const std::string_view name = part.substr(0, equals);
  const auto key = std::ranges::find(keys, name, &OptionKey::name);
  if (key == keys.end()) return unknown_key(name, keys);
  if (!seen.emplace(name).second) {
    return fail(ErrorCode::invalid_input, fmt::format("sandbox: {} is given twice", name));
  }
  const bool has_value = equals != std::string_view::npos;
  const std::string_view value = has_value ? part.substr(equals + 1) : std::string_view{};
  if (const auto expected = key->set(options, value)) {
    return fail(ErrorCode::invalid_input,
                fmt::format("sandbox: {}={}: expected {}", name, escaped(value), *expected));
  }
  return {};
}

Result<void> check_limits(const Limits& limits, std::string_view whose) {
  const auto wrong = [&](std::string_view what, std::string_view expected) {
    return fail(ErrorCode::invalid_input, fmt::format("sandbox: {} of {}: expected {}",
                                                      escaped(what), escaped(whose), expected));
  };
  if (limits.concurrency && *limits.concurrency < 1) return wrong("concurrency", "at least 1");
  for (const Limit& limit : limits.windows) {
    if (limit.amount < 1 || limit.amount > sandbox_amount_max) {
      return wrong(limit.name, fmt::format("1 to {} {}", grouped(sandbox_amount_max),
                                           to_string(limit.resource)));
    }
    if (limit.window < std::chrono::milliseconds{1} || limit.window > sandbox_window_max) {
      return wrong(limit.name, "a window of 1ms to 31 days");
    }
  }
  return {};
}

Result<void> check_faults(const SandboxOptions& options) {
  std::int64_t sum = 0;
  for (const std::int32_t share :
       {options.error_per_mille, options.reset_per_mille, options.truncate_per_mille,
        options.hang_per_mille, options.garbage_per_mille}) {
    if (share < 0 || share > 1000) {
      return fail(ErrorCode::invalid_input, "sandbox: a fault rate is not between 0 and 1");
    }
    sum += share;
  }
  if (options.link_error_per_mille < 0 || options.link_error_per_mille > 1000) {
    return fail(ErrorCode::invalid_input, "sandbox: link_error_rate is not between 0 and 1");
  }
  if (sum <= 1000) return {};
  return fail(ErrorCode::invalid_input,
              "sandbox: error, reset, truncate, hang and garbage rate are more than 1 together");
}

Result<void> check_counting(const SandboxOptions& options) {
  const auto wrong = [](std::string_view what) {
    return fail(ErrorCode::invalid_input, fmt::format("sandbox: {}", what));
  };
  if (options.minute < std::chrono::milliseconds{10} || options.minute > std::chrono::minutes{1}) {
    return wrong("minute: expected 10ms to 1m");
  }
  if (options.day < std::chrono::seconds{1} || options.day > std::chrono::hours{24}) {
    return wrong("day: expected 1s to 24h");
  }
  if (options.burst && options.algorithm != LimitAlgorithm::bucket) {
    return wrong("burst: only a bucket has one; add algorithm=bucket");
  }
  if (options.burst && *options.burst < 1) return wrong("burst: expected at least 1");
  if (options.outage &&
      (options.outage->from < Duration{} || options.outage->until <= options.outage->from)) {
    return wrong("outage: expected an end after its start");
  }
  return {};
}

}  // namespace

Result<void> check_sandbox_options(const SandboxOptions& options) {
  const auto within_hour = [](Duration d) { return d >= Duration{} && d <= std::chrono::hours{1}; };
  if (!within_hour(options.latency) || !within_hour(options.jitter)) {
    return fail(ErrorCode::invalid_input, "sandbox: latency and jitter: expected 0 to 1h each");
  }
  if (options.image_bytes < 0 || options.image_bytes > sandbox_image_bytes_max) {
    return fail(ErrorCode::invalid_input,
                fmt::format("sandbox: image_bytes: expected 0 to {}", sandbox_image_bytes_max));
  }
  if (options.text_bytes < 0 || options.text_bytes > sandbox_text_bytes_max) {
    return fail(ErrorCode::invalid_input,
                fmt::format("sandbox: text_bytes: expected 0 to {}", sandbox_text_bytes_max));
  }
  if (auto checked = check_counting(options); !checked) return checked;
  if (auto checked = check_faults(options); !checked) return checked;
  if (auto checked = check_limits(options.every_model, "every model"); !checked) return checked;
  if (auto checked = check_limits(options.overall, "all models"); !checked) return checked;
  for (const auto& [model, limits] : options.models) {
    if (auto checked = check_limits(limits, model); !checked) return checked;
  }
  return {};
}

Limits compressed(const Limits& limits, const SandboxOptions& options) {
  constexpr Duration real_day = std::chrono::hours{24};
  Limits shorter = limits;
  for (Limit& limit : shorter.windows) {
    if (limit.window == std::chrono::minutes{1}) limit.window = options.minute;
    if (options.day == real_day || limit.window % real_day != Duration{}) continue;
    limit.pauses = limit.is_long();
    limit.window = limit.window / real_day * options.day;
    limit.reset = {};
  }
  return shorter;
}

std::vector<std::string> sandbox_option_names() {
  std::vector<std::string> names;
  for (const OptionKey& key : sandbox::option_keys()) names.push_back(key.name);
  return names;
}

Result<SandboxOptions> parse_sandbox_options(std::string_view text, SandboxOptions options) {
  const std::vector<OptionKey> keys = sandbox::option_keys();
  std::set<std::string, std::less<>> seen;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t comma = std::min(text.find(',', from), text.size());
    if (auto set = apply(options, text.substr(from, comma - from), keys, seen); !set) {
      return pass(set);
    }
    from = comma + 1;
  }
  if (auto checked = check_sandbox_options(options); !checked) return pass(checked);
  return options;
}

}  // namespace ratebatch::sandbox
