#include "provider/structured_field.hpp"

#include <algorithm>

#include "ratebatch/base/ascii.hpp"

namespace ratebatch::provider {
namespace {

using Kind = FieldValue::Kind;

bool is_key_char(char c) {
  return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
}

bool is_token_char(char c) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~:/";
  return is_letter_or_digit(c) || contains(marks, {&c, 1});
}

bool is_base64_char(char c) { return is_letter_or_digit(c) || c == '+' || c == '/' || c == '='; }

// Reads from the front of a text. Each function leaves it behind what it took, and returns false if
// that is malformed.
class FieldReader {
 public:
  explicit FieldReader(std::string_view text) : rest_(text) {}

  bool members(std::vector<FieldItem>& items) {
    skip(" ");
    bool has_more = !rest_.empty();
    while (has_more) {
      if (!member(items.emplace_back())) return false;
      skip(" \t");
      has_more = take(',');
      if (!has_more && !rest_.empty()) return false;
      skip(" \t");
    }
    return true;
  }

 private:
  void skip(std::string_view blanks) {
    rest_.remove_prefix(std::min(rest_.find_first_not_of(blanks), rest_.size()));
  }

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  std::string take_while(bool (*is_part)(char)) {
    const auto end = std::find_if_not(rest_.begin(), rest_.end(), is_part);
    std::string taken(rest_.begin(), end);
    rest_.remove_prefix(taken.size());
    return taken;
  }

  bool key(std::string& out) {
    if (rest_.empty() || !(is_lower(rest_.front()) || rest_.front() == '*')) return false;
    out = take_while(is_key_char);
    return true;
  }

  // A member of a dictionary has its key and '=' before it; without them it is one of a list.
  bool member(FieldItem& item) {
    const std::string_view start = rest_;
    if (!key(item.key) || !take('=')) {
      item.key.clear();
      rest_ = start;
    }
    if (!bare_item(item.value)) return false;
    while (take(';')) {
      skip(" ");
      auto& [name, value] = item.parameters.emplace_back();
      if (!key(name)) return false;
      if (take('=') && !bare_item(value)) return false;
    }
    return true;
  }

  bool bare_item(FieldValue& out) {
    const char first = rest_.empty() ? '\0' : rest_.front();
    if (first == '-' || is_digit(first)) return number(out);
    if (take('"')) return string(out);
    if (take('?')) return take('0') || take('1');
    const bool is_bytes = take(':');
    out.kind = is_bytes ? Kind::bytes : Kind::token;
    out.text = take_while(is_bytes ? is_base64_char : is_token_char);
    return is_bytes ? take(':') : first == '*' || is_letter(first);
  }

  bool string(FieldValue& out) {
    out.kind = Kind::string;
    for (; !rest_.empty(); rest_.remove_prefix(1)) {
      if (take('"')) return true;
      const bool is_escaped = take('\\');
      if (is_escaped && !rest_.starts_with('"') && !rest_.starts_with('\\')) return false;
      const char c = rest_.front();
      if (c < 0x20 || c > 0x7e) return false;
      out.text += c;
    }
    return false;
  }

  // Section 4.2.4: at most 15 digits, or 12 before the point and 3 behind it.
  bool number(FieldValue& out) {
    const bool is_negative = take('-');
    const std::string whole = take_while(is_digit);
    out.kind = take('.') ? Kind::decimal : Kind::integer;
    if (out.kind == Kind::decimal) {
      const std::string fraction = take_while(is_digit);
      return !whole.empty() && whole.size() <= 12 && !fraction.empty() && fraction.size() <= 3;
    }
    const auto number = whole_number<std::int64_t>(whole);
    out.integer = is_negative ? -number.value_or(0) : number.value_or(0);
    return number && whole.size() <= 15;
  }

  std::string_view rest_;
};

}  // namespace

const FieldValue* FieldItem::parameter(std::string_view name) const {
  const FieldValue* found = nullptr;
  for (const auto& [known, its_value] : parameters) {
    if (known == name) found = &its_value;
  }
  return found;
}

std::optional<std::vector<FieldItem>> parse_structured_field(std::string_view text) {
  while (text.ends_with(' ')) text.remove_suffix(1);
  std::vector<FieldItem> items;
  return FieldReader(text).members(items) ? std::optional(std::move(items)) : std::nullopt;
}

}  // namespace ratebatch::provider
