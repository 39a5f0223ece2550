// Waves: {size: 3, delay: 15s}, 3x15s, or a name for one of them.
#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "input/config_parts.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/config_file.hpp"

namespace ratebatch::input {
namespace {

constexpr std::int32_t size_max = 1000;
constexpr Duration delay_max = std::chrono::hours{24};

struct NamedWaves {
  std::string_view name;
  Waves waves;
};

// Of the image service they were tried with; balanced is the first to take.
constexpr std::array<NamedWaves, 4> named_waves = {{{"conservative", {2, std::chrono::seconds{20}}},
                                                    {"balanced", {3, std::chrono::seconds{15}}},
                                                    {"aggressive", {4, std::chrono::seconds{10}}},
                                                    {"true", {3, std::chrono::seconds{15}}}}};

}  // namespace

Result<Waves> parse_waves(std::string_view text) {
  const auto named = std::find_if(named_waves.begin(), named_waves.end(),
                                  [&](const NamedWaves& known) { return known.name == text; });
  if (named != named_waves.end()) return named->waves;
  std::string pair(text);
  std::erase(pair, ' ');
  const auto [size, after] = parted(pair, 'x');
  const auto wrong = [&] {
    return fail(ErrorCode::invalid_input,
                fmt::format("expected waves such as 3x15s (3 at once, the next ones 15 s after the "
                            "last of them), conservative, balanced or aggressive, found '{}'{}",
                            escaped(text, 60),
                            did_you_mean(text, {"conservative", "balanced", "aggressive"})));
  };
  Waves waves;
  waves.size = whole_number<std::int32_t>(size).value_or(0);
  const auto delay = parse_duration(after.value_or(""));
  if (waves.size < 1 || waves.size > size_max || !delay || *delay < Duration{} ||
      *delay > delay_max) {
    return wrong();
  }
  waves.delay = *delay;
  return waves;
}

void read_waves(const ConfigNode& node, std::optional<Waves>& out) {
  if (node.yaml.kind == YamlNode::Kind::map) {
    Waves waves{0, Duration{-1}};
    read_keys(node, {{"size", into(waves.size, read_whole, 1, size_max)},
                     {"delay", into(waves.delay, read_length, Duration{}, delay_max)}});
    constexpr std::size_t complete_items = 2;
    if (node.yaml.items.size() < complete_items) {
      return node.complain("expected both size and delay, such as {size: 3, delay: 15s}");
    }
    if (waves.size > 0 && waves.delay >= Duration{}) out = waves;
    return;
  }
  if (node.yaml.kind == YamlNode::Kind::scalar && node.yaml.text == "false") {
    out.reset();
    return;
  }
  auto waves = parse_waves(node.yaml.text);
  if (!waves) return node.complain(waves.error().message);
  out = *waves;
}

}  // namespace ratebatch::input
