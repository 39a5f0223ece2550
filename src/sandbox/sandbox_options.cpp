#include "ratebatch/sandbox/sandbox_options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <functional>
#include <set>
#include <utility>
#include <vector>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/model/limit.hpp"
#include "sandbox/ledger.hpp"

namespace ratebatch::sandbox {
namespace {

// Sets an option from its text, or returns what was expected instead.
using Setter = std::function<std::optional<std::string>(SandboxOptions&, std::string_view)>;

struct OptionKey {
  std::string name;
  Setter set;
};

template <typename Number>
std::optional<Number> number_from(std::string_view text, std::int64_t least = 0) {
  const auto number = whole_number<std::int64_t>(text);
  if (!number || *number < least || !std::in_range<Number>(*number)) return std::nullopt;
  return static_cast<Number>(*number);
}

// "0.02", "1", "2%" and "2.5%" as thousandths; nothing finer, nothing above 1.
std::optional<std::int32_t> per_mille(std::string_view text) {
  const bool percent = text.ends_with('%');
  if (percent) text.remove_suffix(1);
  const std::size_t decimals_max = percent ? 1 : 3;
  const auto [whole, decimals] = parted(text, '.');
  std::string digits(decimals.value_or("0"));
  if (whole.empty() || whole.size() > 3 || digits.empty() || digits.size() > decimals_max) {
    return std::nullopt;
  }
  digits.resize(decimals_max, '0');
  const auto value = whole_number<std::uint16_t>(std::string(whole) + digits);
  return value && *value <= 1000 ? std::optional<std::int32_t>(*value) : std::nullopt;
}

// Sets the member to what `read` makes of the text, which is nullopt where another was expected.
template <typename Member, typename Read>
Setter read_into(Member member, Read read, const char* expected) {
  return [=](SandboxOptions& options, std::string_view text) -> std::optional<std::string> {
    const auto value = read(text);
    if (!value) return expected;
    std::invoke(member, options) = *value;
    return std::nullopt;
  };
}

template <typename Number, typename Member>
Setter requests_into(Member member) {
  return read_into(
      member, [](std::string_view text) { return number_from<Number>(text, 1); },
      "a whole number of requests, at least 1");
}

template <typename Number>
Setter number_into(Number SandboxOptions::* member) {
  return read_into(
      member, [](std::string_view text) { return number_from<Number>(text); },
      sizeof(Number) == 2 ? "a whole number up to 65535" : "a whole number");
}

Setter duration_into(Duration SandboxOptions::* member) {
  return read_into(member, parse_duration, "a duration such as 200ms or 1.5s");
}

Setter share_into(std::int32_t SandboxOptions::* member) {
  return read_into(member, per_mille, "a share such as 0.02 or 2%, in steps of 0.001");
}

Setter text_into(std::string SandboxOptions::* member, const char* expected) {
  const auto read = [](std::string_view text) {
    const bool good = !text.empty() && !has_control_byte(text);
    return good ? std::optional(std::string(text)) : std::nullopt;
  };
  return read_into(member, read, expected);
}

// One of a few words.
template <typename Value>
Setter word_into(Value SandboxOptions::* member, std::vector<std::pair<std::string, Value>> words) {
  return [member, words](SandboxOptions& options,
                         std::string_view text) -> std::optional<std::string> {
    std::vector<std::string> names;
    for (const auto& [name, value] : words) {
      if (name == text) {
        options.*member = value;
        return std::nullopt;
      }
      names.push_back(name);
    }
    return fmt::format("one of {}{}", fmt::join(names, ", "), did_you_mean(text, names));
  };
}

// Puts a limit among those of every model, in place of one of the same name.
void set_limit(SandboxOptions& options, Limit limit) {
  std::vector<Limit>& limits = options.every_model.windows;
  std::erase_if(limits, [&](const Limit& known) { return known.name == limit.name; });
  limits.push_back(std::move(limit));
}

Setter limit_of(const LimitName& known) {
  return [=](SandboxOptions& options, std::string_view text) -> std::optional<std::string> {
    const auto amount = number_from<std::int64_t>(text, 1);
    if (!amount) return fmt::format("a whole number of {}, at least 1", to_string(known.resource));
    set_limit(options, {.name = std::string(known.name),
                        .resource = known.resource,
                        .amount = *amount,
                        .window = known.window});
    return std::nullopt;
  };
}

// "10s:50"
std::optional<std::string> set_window(SandboxOptions& options, std::string_view text) {
  const auto [length, requests] = parted(text, ':');
  const auto window = parse_duration(length);
  const auto amount = number_from<std::int64_t>(requests.value_or(""), 1);
  if (!window || !amount) return "a window and its requests, such as 10s:50";
  set_limit(options,
            {.name = "requests per " + std::string(length), .amount = *amount, .window = *window});
  return std::nullopt;
}

// "10s-40s" or "10s-40s@MODEL"
std::optional<SandboxOutage> outage_from(std::string_view text) {
  const auto [times, model] = parted(text, '@');
  const auto [start, end] = parted(times, '-');
  const auto from = parse_duration(start);
  const auto until = parse_duration(end.value_or(""));
  if (!from || !until) return std::nullopt;
  return SandboxOutage{*from, *until, std::string(model.value_or(""))};
}

// All keys but those of limits.
std::vector<OptionKey> other_keys() {
  using O = SandboxOptions;
  using A = LimitAlgorithm;
  return {
      {"port", number_into(&O::port)},
      {"seed", number_into(&O::seed)},
      {"latency", duration_into(&O::latency)},
      {"jitter", duration_into(&O::jitter)},
      {"algorithm",
       word_into<A>(&O::algorithm,
                    {{"fixed", A::fixed}, {"sliding", A::sliding}, {"bucket", A::bucket}})},
      {"burst", requests_into<std::int64_t>(&O::burst)},
      {"token_count", word_into<TokenCount>(&O::token_count, {{"usage", TokenCount::usage},
                                                              {"reserve", TokenCount::reserve}})},
      {"keys", word_into<KeyCounters>(&O::keys, {{"separate", KeyCounters::separate},
                                                 {"shared", KeyCounters::shared}})},
      {"headers", word_into<bool>(&O::headers, {{"on", true}, {"off", false}})},
      {"minute", duration_into(&O::minute)},
      {"day", duration_into(&O::day)},
      {"window", set_window},
      {"concurrency", requests_into<std::int32_t>(
                          [](O& options) -> auto& { return options.every_model.concurrency; })},
      {"total_concurrency", requests_into<std::int32_t>(
                                [](O& options) -> auto& { return options.overall.concurrency; })},
      {"outage", read_into(&O::outage, outage_from,
                           "two times since the start, such as 10s-40s or 10s-40s@MODEL")},
      {"error_rate", share_into(&O::error_per_mille)},
      {"reset_rate", share_into(&O::reset_per_mille)},
      {"truncate_rate", share_into(&O::truncate_per_mille)},
      {"hang_rate", share_into(&O::hang_per_mille)},
      {"garbage_rate", share_into(&O::garbage_per_mille)},
      {"image_bytes", number_into(&O::image_bytes)},
      {"text_bytes", number_into(&O::text_bytes)},
      {"links", word_into<bool>(&O::links, {{"on", true}, {"off", false}})},
      {"link_error_rate", share_into(&O::link_error_per_mille)},
      // The file itself is read when the sandbox starts: a stored option is checked without it.
      {"replies", text_into(&O::replies_file, "the path of a file of scripted replies")},
      {"require_key", text_into(&O::required_key, "the key that requests must carry")}};
}

std::vector<OptionKey> option_keys() {
  std::vector<OptionKey> keys = other_keys();
  for (const LimitName& known : limit_names) {
    keys.push_back({std::string(known.name), limit_of(known)});
  }
  return keys;
}

tl::unexpected<Error> unknown_key(std::string_view name) {
  std::string overview;
  for (const OptionKey& key : other_keys()) overview += key.name + ", ";
  return fail(ErrorCode::invalid_input,
              fmt::format("sandbox: unknown option '{}'{}; the options are {}and limits such as "
                          "rpm or tpd (r, t, it, ot, i or c; ps, pm, ph, pd or pmo)",
                          escaped(name), did_you_mean(name, sandbox_option_names()), overview));
}

// Sets the option that `part`, "key=value", names.
Result<void> apply(SandboxOptions& options, std::string_view part,
                   const std::vector<OptionKey>& keys, std::set<std::string, std::less<>>& seen) {
  const auto [name, after] = parted(part, '=');
  const auto key = std::ranges::find(keys, name, &OptionKey::name);
  if (key == keys.end()) return unknown_key(name);
  if (!seen.emplace(name).second) {
    return fail(ErrorCode::invalid_input, fmt::format("sandbox: {} is given twice", name));
  }
  const std::string_view value = after.value_or("");
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

bool is_share(std::int32_t per_mille) { return per_mille >= 0 && per_mille <= 1000; }

}  // namespace

Result<void> check_sandbox_options(const SandboxOptions& options) {
  const auto within = [](Duration d, Duration least, Duration most) {
    return d >= least && d <= most;
  };
  std::int32_t fault_sum = 0;
  bool are_shares = true;
  for (const FaultRow& row : fault_rows) {
    are_shares = are_shares && is_share(options.*row.per_mille);
    if (are_shares) fault_sum += options.*row.per_mille;
  }
  constexpr Duration hour = std::chrono::hours{1};
  const auto& outage = options.outage;
  const std::array<std::pair<bool, std::string>, 11> rules = {{
      {within(options.latency, {}, hour) && within(options.jitter, {}, hour),
       "latency and jitter: expected 0 to 1h each"},
      {options.image_bytes >= 0 && options.image_bytes <= sandbox_image_bytes_max,
       fmt::format("image_bytes: expected 0 to {}", sandbox_image_bytes_max)},
      {options.text_bytes >= 0 && options.text_bytes <= sandbox_text_bytes_max,
       fmt::format("text_bytes: expected 0 to {}", sandbox_text_bytes_max)},
      {within(options.minute, std::chrono::milliseconds{10}, std::chrono::minutes{1}),
       "minute: expected 10ms to 1m"},
      {within(options.day, std::chrono::seconds{1}, std::chrono::hours{24}),
       "day: expected 1s to 24h"},
      {!options.burst || options.algorithm == LimitAlgorithm::bucket,
       "burst: only a bucket has one; add algorithm=bucket"},
      {options.burst.value_or(1) >= 1, "burst: expected at least 1"},
      {!outage || (outage->from >= Duration{} && outage->until > outage->from),
       "outage: expected an end after its start"},
      {are_shares, "a fault rate is not between 0 and 1"},
      {is_share(options.link_error_per_mille), "link_error_rate is not between 0 and 1"},
      {fault_sum <= 1000, "error, reset, truncate, hang and garbage rate are more than 1 together"},
  }};
  for (const auto& [holds, message] : rules) {
    if (!holds) return fail(ErrorCode::invalid_input, "sandbox: " + message);
  }
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
  for (const OptionKey& key : option_keys()) names.push_back(key.name);
  return names;
}

Result<SandboxOptions> parse_sandbox_options(std::string_view text, SandboxOptions options) {
  const std::vector<OptionKey> keys = option_keys();
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
