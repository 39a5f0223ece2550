#include "ratebatch/base/text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <cstring>

#include "ratebatch/base/ascii.hpp"

namespace ratebatch::inline base {
namespace {

// Length in bytes of the well-formed UTF-8 sequence that starts at `at`, 0 if there is none, and
// its code point in `code`. Table 3-7 of the Unicode standard.
std::size_t utf8_sequence(std::string_view text, std::size_t at, std::uint32_t& code) {
  const auto byte = [&](std::size_t i) { return static_cast<unsigned char>(text[i]); };
  const unsigned char lead = byte(at);
  if (lead < 0x80) {
    code = lead;
    return 1;
  }
  const std::size_t length = lead >= 0xF0 ? 4 : lead >= 0xE0 ? 3 : 2;
  if (lead < 0xC2 || lead > 0xF4 || at + length > text.size()) return 0;
  code = lead & (0xFFU >> (length + 1));
  for (std::size_t i = 1; i < length; ++i) {
    if ((byte(at + i) & 0xC0U) != 0x80) return 0;
    code = (code << 6U) | (byte(at + i) & 0x3FU);
  }
  const bool overlong = (length == 3 && code < 0x800) || (length == 4 && code < 0x10000);
  const bool surrogate = code >= 0xD800 && code <= 0xDFFF;
  return overlong || surrogate || code > 0x10FFFF ? 0 : length;
}

// Eight bytes of text at once; which of them is which does not matter to those who ask.
using Word = std::uint64_t;
constexpr Word ones = 0x0101010101010101ULL;
constexpr Word high_bits = ones * 0x80;

Word word_at(std::string_view text, std::size_t at) {
  Word word = 0;
  std::memcpy(&word, text.data() + at, sizeof word);
  return word;
}

// Not zero where one of the bytes is below `limit`, which is at most 0x80.
constexpr Word any_below(Word word, unsigned char limit) {
  return (word - ones * limit) & ~word & high_bits;
}

// Where the run of ASCII bytes that starts at `at` ends.
std::size_t ascii_end(std::string_view text, std::size_t at) {
  while (at + sizeof(Word) <= text.size() && (word_at(text, at) & high_bits) == 0) {
    at += sizeof(Word);
  }
  while (at < text.size() && static_cast<unsigned char>(text[at]) < 0x80) ++at;
  return at;
}

// Where the run of ASCII bytes that starts at `at` and stays as it is in a JSON string ends.
std::size_t plain_end(std::string_view text, std::size_t at) {
  for (; at + sizeof(Word) <= text.size(); at += sizeof(Word)) {
    const Word word = word_at(text, at);
    const Word special = (word & high_bits) | any_below(word, 0x20) |
                         any_below(word ^ (ones * '"'), 1) | any_below(word ^ (ones * '\\'), 1);
    if (special != 0) break;
  }
  for (; at < text.size(); ++at) {
    const auto byte = static_cast<unsigned char>(text[at]);
    if (byte < 0x20 || byte >= 0x80 || byte == '"' || byte == '\\') break;
  }
  return at;
}

// What stands for a byte that a JSON string cannot hold as it is.
void append_json_escape(std::string& out, char c) {
  constexpr std::string_view short_ones = "\"\"\\\\\bb\ff\nn\rr\tt";  // The byte, then its letter.
  if (static_cast<unsigned char>(c) >= 0x80) {
    out += "\xEF\xBF\xBD";
    return;
  }
  for (std::size_t i = 0; i < short_ones.size(); i += 2) {
    if (short_ones[i] != c) continue;
    out += '\\';
    out += short_ones[i + 1];
    return;
  }
  out += "\\u00" + hex_of(c);
}

bool is_unsafe_code(std::uint32_t code) {
  const bool control = code < 0x20 || (code >= 0x7F && code < 0xA0);
  const bool bidi = (code >= 0x202A && code <= 0x202E) || (code >= 0x2066 && code <= 0x2069) ||
                    code == 0x200E || code == 0x200F || code == 0x061C;
  return control || bidi || code == 0x2028 || code == 0x2029;
}

// Optimal string alignment distance: insert, delete, replace, swap neighbours.
std::size_t edit_distance(std::string_view a, std::string_view b) {
  std::vector<std::size_t> before_last;
  std::vector<std::size_t> last(b.size() + 1);
  for (std::size_t j = 0; j <= b.size(); ++j) last[j] = j;
  for (std::size_t i = 1; i <= a.size(); ++i) {
    std::vector<std::size_t> row(b.size() + 1);
    row[0] = i;
    for (std::size_t j = 1; j <= b.size(); ++j) {
      const std::size_t replaced = last[j - 1] + (a[i - 1] == b[j - 1] ? 0 : 1);
      row[j] = std::min({last[j] + 1, row[j - 1] + 1, replaced});
      if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1]) {
        row[j] = std::min(row[j], before_last[j - 2] + 1);
      }
    }
    before_last = std::move(last);
    last = std::move(row);
  }
  return last[b.size()];
}

}  // namespace

bool is_valid_utf8(std::string_view text) {
  std::uint32_t code = 0;
  for (std::size_t at = ascii_end(text, 0); at < text.size(); at = ascii_end(text, at)) {
    const std::size_t length = utf8_sequence(text, at, code);
    if (length == 0) return false;
    at += length;
  }
  return true;
}

std::size_t utf8_length(std::string_view text, std::size_t at) {
  std::uint32_t code = 0;
  return utf8_sequence(text, at, code);
}

std::int64_t code_points(std::string_view text) {
  return std::ranges::count_if(
      text, [](char c) { return (static_cast<unsigned char>(c) & 0xC0U) != 0x80U; });
}

std::string with_utf8_repaired(std::string_view text) {
  if (is_valid_utf8(text)) return std::string(text);
  std::string repaired;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    repaired += length == 0 ? std::string_view("\xEF\xBF\xBD") : text.substr(at, length);
    at += std::max<std::size_t>(length, 1);
  }
  return repaired;
}

bool has_control_byte(std::string_view text) {
  return std::any_of(text.begin(), text.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte < 0x20 || byte == 0x7F;
  });
}

std::string escaped(std::string_view text, std::size_t bytes_max) {
  std::string out;
  std::size_t at = 0;
  while (at < text.size() && at < bytes_max) {
    std::uint32_t code = 0;
    const std::size_t length = utf8_sequence(text, at, code);
    if (length > 0 && !is_unsafe_code(code)) {
      out += text.substr(at, length);
    } else {
      out += length > 1 ? fmt::format("\\u{{{:04x}}}", code) : "\\x" + hex_of(text[at]);
    }
    at += std::max<std::size_t>(length, 1);
  }
  if (at < text.size()) out += "...";
  return out;
}

void append_json_string(std::string& out, std::string_view text) {
  out += '"';
  std::size_t written = 0;  // So much of `text` is in `out`.
  for (std::size_t at = plain_end(text, 0); at < text.size(); at = plain_end(text, at)) {
    std::uint32_t code = 0;
    const bool ascii = static_cast<unsigned char>(text[at]) < 0x80;
    const std::size_t length = ascii ? 0 : utf8_sequence(text, at, code);
    if (length != 0) {
      at += length;
      continue;
    }
    out += text.substr(written, at - written);
    append_json_escape(out, text[at]);
    written = ++at;
  }
  out += text.substr(written);
  out += '"';
}

bool matches_glob(std::string_view pattern, std::string_view text) {
  constexpr std::size_t none = std::string_view::npos;
  std::size_t p = 0;
  std::size_t t = 0;
  // Where to go on if the rest does not fit: the last star takes one byte more.
  std::size_t star = none;
  std::size_t taken_to = 0;
  while (t < text.size()) {
    if (p < pattern.size() && pattern[p] == '*') {
      star = p++;
      taken_to = t;
    } else if (p < pattern.size() && (pattern[p] == '?' || pattern[p] == text[t])) {
      ++p;
      ++t;
    } else if (star != none) {
      p = star + 1;
      t = ++taken_to;
    } else {
      return false;
    }
  }
  while (p < pattern.size() && pattern[p] == '*') ++p;
  return p == pattern.size();
}

std::optional<std::string> nearest_name(std::string_view name,
                                        const std::vector<std::string>& names) {
  // Longer input is no slip of the finger, and the distance costs length squared.
  constexpr std::size_t name_length_max = 64;
  if (name.size() > name_length_max) return std::nullopt;
  std::optional<std::string> best;
  std::size_t best_distance = 0;
  for (const std::string& candidate : names) {
    if (candidate.size() > name_length_max) continue;
    const std::size_t distance = edit_distance(name, candidate);
    const std::size_t allowed =
        std::max<std::size_t>(1, std::max(name.size(), candidate.size()) / 3);
    if (distance <= allowed && (!best || distance < best_distance)) {
      best = candidate;
      best_distance = distance;
    }
  }
  return best;
}

std::string did_you_mean(std::string_view name, const std::vector<std::string>& names) {
  const auto nearest = nearest_name(name, names);
  return nearest ? fmt::format(" (did you mean '{}'?)", *nearest) : std::string{};
}

std::string grouped(std::int64_t number) {
  std::string digits = std::to_string(number);
  const std::size_t first = number < 0 ? 1 : 0;
  for (std::size_t at = digits.size(); at > first + 3;) {
    at -= 3;
    digits.insert(at, 1, ',');
  }
  return digits;
}

std::string usd_text(std::int64_t pico_usd) {
  constexpr std::int64_t unit = 1'000'000'000'000;
  std::string text = std::to_string(pico_usd / unit);
  std::string decimals = std::to_string(pico_usd % unit + unit).substr(1);
  decimals.erase(decimals.find_last_not_of('0') + 1);
  return decimals.empty() ? text : text + "." + decimals;
}

std::string counted(std::int64_t number, std::string_view singular, std::string_view plural) {
  return fmt::format("{} {}", grouped(number), number == 1 ? singular : plural);
}

std::uint64_t fnv1a_64(std::string_view bytes) {
  std::uint64_t hash = 0xCBF29CE484222325ULL;
  for (const char c : bytes) {
    hash ^= static_cast<unsigned char>(c);
    hash *= 0x100000001B3ULL;
  }
  return hash;
}

std::string fnv1a_64_hex(std::string_view bytes) { return fmt::format("{:016x}", fnv1a_64(bytes)); }

}  // namespace ratebatch::inline base
