// Text helpers that every floor may need: escaping what came from outside, JSON strings, patterns
// of names and suggestions for typing mistakes, numbers for people.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ratebatch::inline base {

// True if `text` is well-formed UTF-8 (RFC 3629: no surrogates, no overlong forms).
bool is_valid_utf8(std::string_view text);

// The length in bytes of the character that starts at `at`; 0 if its bytes are not UTF-8.
// Precondition: at < text.size().
std::size_t utf8_length(std::string_view text, std::size_t at);

// The Unicode code points of UTF-8 text: what providers that charge by character count. Bytes that
// are no UTF-8 count as one each, or as none where they look like the middle of a character.
std::int64_t code_points(std::string_view text);

// The text with each byte that is not UTF-8 replaced by U+FFFD.
std::string with_utf8_repaired(std::string_view text);

// What some editors write at the start of a UTF-8 file.
constexpr std::string_view byte_order_mark = "\xEF\xBB\xBF";

constexpr std::string_view without_byte_order_mark(std::string_view text) {
  return text.starts_with(byte_order_mark) ? text.substr(byte_order_mark.size()) : text;
}

// True if `text` holds a byte below 0x20 or 0x7f: such text must not become a header or a URL.
bool has_control_byte(std::string_view text);

// Makes text of others safe for a terminal: C0 and C1 controls, DEL, bidirectional overrides and
// bytes that are not UTF-8 become \xNN or \u{NNNN}; the rest stays as it is. At most `bytes_max`
// bytes of input are used; a cut is shown by "...".
std::string escaped(std::string_view text, std::size_t bytes_max = 400);

// Appends `text` to `out` as a JSON string (RFC 8259, section 7), in quotes: quotes, backslashes
// and control bytes are escaped, a byte that is not UTF-8 becomes U+FFFD, the rest stays as it is.
// What is appended is therefore one line of valid UTF-8, whatever `text` holds.
void append_json_string(std::string& out, std::string_view text);

// True if all of `text` fits `pattern`, in which '*' stands for any text, '?' for one byte, and the
// rest for itself: no escapes, no brackets. Takes at most pattern times text steps.
bool matches_glob(std::string_view pattern, std::string_view text);

// The member of `names` closest to `name` by edit distance with transposition, if it is close
// enough to be a slip (at most a third of the longer name's letters, at least one).
std::optional<std::string> nearest_name(std::string_view name,
                                        const std::vector<std::string>& names);

// " (did you mean 'x'?)" for the nearest name, else an empty string: to append to a message.
std::string did_you_mean(std::string_view name, const std::vector<std::string>& names);

// "36,831": with separators of thousands, for people.
std::string grouped(std::int64_t number);

// Pico-USD (1e-12) as "0.000123", "12.5", "0": exact, without zeros at the end. Precondition: not
// negative.
std::string usd_text(std::int64_t pico_usd);

// "1 job", "3 jobs".
std::string counted(std::int64_t number, std::string_view singular, std::string_view plural);

// Appends an item to a list for people, with ", " before it unless it is the first. An empty item
// is left out.
inline void add_to_list(std::string& list, std::string_view item) {
  if (!list.empty() && !item.empty()) list += ", ";
  list += item;
}

// FNV-1a of 64 bits, and the same as 16 hexadecimal digits: names a recipe; not for secrets or
// against malice.
std::uint64_t fnv1a_64(std::string_view bytes);
std::string fnv1a_64_hex(std::string_view bytes);

}  // namespace ratebatch::inline base
