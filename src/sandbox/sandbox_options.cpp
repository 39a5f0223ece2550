#include "ratebatch/sandbox/sandbox_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <functional>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "ratebatch/base/text.hpp"

namespace ratebatch {
namespace {

// Sets one option from its text, or returns what was expected instead.
using Setter = std::function<std::optional<std::string>(SandboxOptions&, std::string_view)>;

struct Key {
  std::string_view name;
  Setter set;
};

std::optional<std::int64_t> whole_number(std::string_view text) {
  std::int64_t number = 0;
  const char* end = text.data() + text.size();
  const auto [stop, code] = std::from_chars(text.data(), end, number);
  if (code != std::errc{} || stop != end || number < 0) return std::nullopt;
  return number;
}

// "0.02", "1", "2%" and "2.5%" as thousandths; nothing finer, nothing above 1.
std::optional<std::int32_t> per_mille(std::string_view text) {
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  const std::size_t decimals_max = percent ? 1 : 3;
  const std::size_t dot = text.find('.');
  const std::string_view whole = text.substr(0, dot);
  std::string digits(dot == std::string_view::npos ? "" : text.substr(dot + 1));
  if (whole.empty() || whole.size() > 3 || digits.size() > decimals_max) return std::nullopt;
  if (dot != std::string_view::npos && digits.empty()) return std::nullopt;
  digits.resize(decimals_max, '0');
  const std::string all = std::string(whole) + digits;
  if (!std::ranges::all_of(all, [](char c) { return c >= '0' && c <= '9'; })) return std::nullopt;
  const std::int64_t value = whole_number(all).value_or(1001);
  if (value > 1000) return std::nullopt;
  return static_cast<std::int32_t>(value);
}

template <typename Number>
Setter number_into(Number SandboxOptions::* member) {
  return [member](SandboxOptions& options, std::string_view text) -> std::optional<std::string> {
    const auto number = whole_number(text);
    if (!number || !std::in_range<Number>(*number)) {
      return sizeof(Number) == 2 ? "a whole number up to 65535" : "a whole number";
    }
    options.*member = static_cast<Number>(*number);
    return std::nullopt;
  };
}

Setter duration_into(Duration SandboxOptions::* member) {
  return [member](SandboxOptions& options, std::string_view text) -> std::optional<std::string> {
    const auto duration = parse_duration(text);
    if (!duration) return "a duration such as 200ms or 1.5s";
    options.*member = *duration;
    return std::nullopt;
  };
}

Setter share_into(std::int32_t SandboxOptions::* member) {
  return [member](SandboxOptions& options, std::string_view text) -> std::optional<std::string> {
    const auto share = per_mille(text);
    if (!share) return "a share such as 0.02 or 2%, in steps of 0.001";
    options.*member = *share;
    return std::nullopt;
  };
}

Setter request_limit(std::string name, Duration window) {
  return
      [name, window](SandboxOptions& options, std::string_view text) -> std::optional<std::string> {
        const auto amount = whole_number(text);
        if (!amount || *amount < 1) return "a whole number of requests, at least 1";
        std::erase_if(options.every_model.requests,
                      [&](const RequestLimit& limit) { return limit.name == name; });
        options.every_model.requests.push_back({name, *amount, window});
        return std::nullopt;
      };
}

Setter concurrency_of(Limits SandboxOptions::* member) {
  return [member](SandboxOptions& options, std::string_view text) -> std::optional<std::string> {
    const auto most = whole_number(text);
    if (!most || *most < 1 || !std::in_range<std::int32_t>(*most)) {
      return "a whole number of requests, at least 1";
    }
    (options.*member).concurrency = static_cast<std::int32_t>(*most);
    return std::nullopt;
  };
}

std::optional<std::string> set_algorithm(SandboxOptions& options, std::string_view text) {
  if (text == "fixed") {
    options.algorithm = LimitAlgorithm::fixed;
  } else if (text == "sliding") {
    options.algorithm = LimitAlgorithm::sliding;
  } else if (text == "bucket") {
    options.algorithm = LimitAlgorithm::bucket;
  } else {
    return "fixed, sliding or bucket" + did_you_mean(text, {"fixed", "sliding", "bucket"});
  }
  return std::nullopt;
}

std::optional<std::string> set_key(SandboxOptions& options, std::string_view text) {
  if (text.empty() || has_control_byte(text)) return "the key that requests must carry";
  options.required_key = text;
  return std::nullopt;
}

std::vector<Key> all_keys() {
  using O = SandboxOptions;
  return {{"port", number_into(&O::port)},
          {"seed", number_into(&O::seed)},
          {"latency", duration_into(&O::latency)},
          {"jitter", duration_into(&O::jitter)},
          {"algorithm", set_algorithm},
          {"rps", request_limit("rps", std::chrono::seconds{1})},
          {"rpm", request_limit("rpm", std::chrono::minutes{1})},
          {"rph", request_limit("rph", std::chrono::hours{1})},
          {"concurrency", concurrency_of(&O::every_model)},
          {"total_concurrency", concurrency_of(&O::overall)},
          {"error_rate", share_into(&O::error_per_mille)},
          {"reset_rate", share_into(&O::reset_per_mille)},
          {"truncate_rate", share_into(&O::truncate_per_mille)},
          {"hang_rate", share_into(&O::hang_per_mille)},
          {"garbage_rate", share_into(&O::garbage_per_mille)},
          {"image_bytes", number_into(&O::image_bytes)},
          {"require_key", set_key}};
}

tl::unexpected<Error> unknown_key(std::string_view name, const std::vector<Key>& keys) {
  std::vector<std::string> names;
  for (const Key& key : keys) names.emplace_back(key.name);
  return fail(ErrorCode::invalid_input,
              fmt::format("sandbox: unknown option '{}'{}; the options are {}", escaped(name),
                          did_you_mean(name, names), fmt::join(names, ", ")));
}

// Sets the option that `part`, "key=value", names.
Result<void> apply(SandboxOptions& options, std::string_view part, const std::vector<Key>& keys,
                   std::set<std::string, std::less<>>& seen) {
  const std::size_t equals = part.find('=');
  const std::string_view name = part.substr(0, equals);
  const auto key = std::ranges::find(keys, name, &Key::name);
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
  for (const RequestLimit& limit : limits.requests) {
    if (limit.amount < 1 || limit.amount > sandbox_amount_max) {
      return wrong(limit.name, fmt::format("1 to {} requests", grouped(sandbox_amount_max)));
    }
    if (limit.window < std::chrono::milliseconds{1} || limit.window > sandbox_window_max) {
      return wrong(limit.name, "a window of 1ms to 24h");
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
  if (sum <= 1000) return {};
  return fail(ErrorCode::invalid_input,
              "sandbox: error, reset, truncate, hang and garbage rate are more than 1 together");
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
  if (auto checked = check_faults(options); !checked) return checked;
  if (auto checked = check_limits(options.every_model, "every model"); !checked) return checked;
  if (auto checked = check_limits(options.overall, "all models"); !checked) return checked;
  for (const auto& [model, limits] : options.models) {
    if (auto checked = check_limits(limits, model); !checked) return checked;
  }
  return {};
}

Result<SandboxOptions> parse_sandbox_options(std::string_view text, SandboxOptions options) {
  const std::vector<Key> keys = all_keys();
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

}  // namespace ratebatch
