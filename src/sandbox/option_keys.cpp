#include "sandbox/option_keys.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>
#include <utility>

#include "ratebatch/base/text.hpp"

namespace ratebatch::sandbox {
namespace {

using Setter = decltype(OptionKey::set);

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

Setter limit_of(const std::string& name, Resource resource, Duration window) {
  return [=](SandboxOptions& options, std::string_view text) -> std::optional<std::string> {
    const auto amount = whole_number(text);
    if (!amount || *amount < 1) {
      return fmt::format("a whole number of {}, at least 1", to_string(resource));
    }
    set_limit(options, {.name = name, .resource = resource, .amount = *amount, .window = window});
    return std::nullopt;
  };
}

// "10s:50"
std::optional<std::string> set_window(SandboxOptions& options, std::string_view text) {
  const std::size_t colon = std::min(text.find(':'), text.size());
  const std::string_view length = text.substr(0, colon);
  const auto window = parse_duration(length);
  const auto amount = whole_number(text.substr(std::min(colon + 1, text.size())));
  if (!window || !amount || *amount < 1) return "a window and its requests, such as 10s:50";
  set_limit(options,
            {.name = "requests per " + std::string(length), .amount = *amount, .window = *window});
  return std::nullopt;
}

// "10s-40s" or "10s-40s@MODEL"
std::optional<std::string> set_outage(SandboxOptions& options, std::string_view text) {
  const std::string_view times = text.substr(0, text.find('@'));
  const std::size_t dash = std::min(times.find('-'), times.size());
  const auto from = parse_duration(times.substr(0, dash));
  const auto until = parse_duration(times.substr(std::min(dash + 1, times.size())));
  if (!from || !until) return "two times since the start, such as 10s-40s or 10s-40s@MODEL";
  const std::string_view model = text.substr(std::min(times.size() + 1, text.size()));
  options.outage = SandboxOutage{*from, *until, std::string(model)};
  return std::nullopt;
}

std::optional<std::string> set_burst(SandboxOptions& options, std::string_view text) {
  const auto burst = whole_number(text);
  if (!burst || *burst < 1) return "a whole number of requests, at least 1";
  options.burst = *burst;
  return std::nullopt;
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

std::optional<std::string> set_key(SandboxOptions& options, std::string_view text) {
  if (text.empty() || has_control_byte(text)) return "the key that requests must carry";
  options.required_key = text;
  return std::nullopt;
}

// The file itself is read when the sandbox starts: a stored option is checked without it.
std::optional<std::string> set_replies(SandboxOptions& options, std::string_view text) {
  if (text.empty() || has_control_byte(text)) return "the path of a file of scripted replies";
  options.replies_file = text;
  return std::nullopt;
}

// "rpm" and its like.
std::vector<OptionKey> limit_keys() {
  using std::chrono::hours;
  constexpr std::array<std::pair<const char*, Resource>, 6> resources = {
      {{"r", Resource::requests},
       {"t", Resource::tokens},
       {"i", Resource::images},
       {"it", Resource::input_tokens},
       {"ot", Resource::output_tokens},
       {"c", Resource::characters}}};
  constexpr std::array<std::pair<const char*, Duration>, 5> windows = {
      {{"s", std::chrono::seconds{1}},
       {"m", std::chrono::minutes{1}},
       {"h", hours{1}},
       {"d", hours{24}},
       {"mo", month_window}}};
  std::vector<OptionKey> keys;
  for (const auto& [letters, resource] : resources) {
    for (const auto& [letter, window] : windows) {
      const std::string name = fmt::format("{}p{}", letters, letter);
      keys.push_back({name, limit_of(name, resource, window)});
    }
  }
  return keys;
}

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
      {"burst", set_burst},
      {"token_count", word_into<TokenCount>(&O::token_count, {{"usage", TokenCount::usage},
                                                              {"reserve", TokenCount::reserve}})},
      {"keys", word_into<KeyCounters>(&O::keys, {{"separate", KeyCounters::separate},
                                                 {"shared", KeyCounters::shared}})},
      {"headers", word_into<bool>(&O::headers, {{"on", true}, {"off", false}})},
      {"minute", duration_into(&O::minute)},
      {"day", duration_into(&O::day)},
      {"window", set_window},
      {"concurrency", concurrency_of(&O::every_model)},
      {"total_concurrency", concurrency_of(&O::overall)},
      {"outage", set_outage},
      {"error_rate", share_into(&O::error_per_mille)},
      {"reset_rate", share_into(&O::reset_per_mille)},
      {"truncate_rate", share_into(&O::truncate_per_mille)},
      {"hang_rate", share_into(&O::hang_per_mille)},
      {"garbage_rate", share_into(&O::garbage_per_mille)},
      {"image_bytes", number_into(&O::image_bytes)},
      {"text_bytes", number_into(&O::text_bytes)},
      {"links", word_into<bool>(&O::links, {{"on", true}, {"off", false}})},
      {"link_error_rate", share_into(&O::link_error_per_mille)},
      {"replies", set_replies},
      {"require_key", set_key}};
}

}  // namespace

std::vector<OptionKey> option_keys() {
  std::vector<OptionKey> keys = other_keys();
  for (OptionKey& key : limit_keys()) keys.push_back(std::move(key));
  return keys;
}

std::string option_overview() {
  std::string text;
  for (const OptionKey& key : other_keys()) text += key.name + ", ";
  return text + "and limits such as rpm or tpd (r, t, it, ot, i or c; ps, pm, ph, pd or pmo)";
}

}  // namespace ratebatch::sandbox
