#include "provider/structured_field.hpp"

#include <utility>

#include "provider/number_text.hpp"
#include "ratebatch/base/ascii.hpp"

namespace ratebatch::provider {
namespace {

using Kind = FieldValue::Kind;

bool is_key_char(char c) {
  return is_lower(c) || is_digit(c) || c == '_' || c == '-' || c == '.' || c == '*';
}

bool is_token_char(char c) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~:/";
  return is_letter(c) || is_digit(c) || marks.find(c) != std::string_view::npos;
}

// Reads from the front of a text; each function leaves it behind what it took, and returns nothing
// where that is malformed.
class FieldReader {
 public:
  explicit FieldReader(std::string_view text) : rest_(text) {}

  std::optional<std::vector<FieldItem>> members() {
    std::vector<FieldItem> items;
    skip(" ");
    while (!rest_.empty()) {
      std::optional<FieldItem> item = member();
      if (!item) return std::nullopt;
      items.push_back(std::move(*item));
      skip(" \t");
      if (rest_.empty()) break;
      if (!take(',')) return std::nullopt;
      skip(" \t");
      if (rest_.empty()) return std::nullopt;  // A comma at the end.
    }
    return items;
  }

 private:
  void skip(std::string_view blanks) {
    while (!rest_.empty() && blanks.find(rest_.front()) != std::string_view::npos) {
      rest_.remove_prefix(1);
    }
  }

  bool take(char c) {
    if (!rest_.starts_with(c)) return false;
    rest_.remove_prefix(1);
    return true;
  }

  template <typename Predicate>
  std::string take_while(Predicate is_part) {
    std::size_t end = 0;
    while (end < rest_.size() && is_part(rest_[end])) ++end;
    std::string taken(rest_.substr(0, end));
    rest_.remove_prefix(end);
    return taken;
  }

  std::optional<std::string> key() {
    if (rest_.empty() || !(is_lower(rest_.front()) || rest_.front() == '*')) return std::nullopt;
    return take_while(is_key_char);
  }

  // A member of a dictionary has its key and '=' before it; without them it is one of a list.
  std::optional<FieldItem> member() {
    FieldItem item;
    const std::string_view start = rest_;
    std::optional<std::string> name = key();
    if (name && take('=')) {
      item.key = std::move(*name);
    } else {
      rest_ = start;
    }
    std::optional<FieldValue> value = bare_item();
    if (!value) return std::nullopt;
    item.value = std::move(*value);
    while (take(';')) {
      skip(" ");
      std::optional<std::string> parameter_key = key();
      if (!parameter_key) return std::nullopt;
      FieldParameter parameter{.key = std::move(*parameter_key), .value = {}};
      if (take('=')) {
        std::optional<FieldValue> parameter_value = bare_item();
        if (!parameter_value) return std::nullopt;
        parameter.value = std::move(*parameter_value);
      }
      item.parameters.push_back(std::move(parameter));
    }
    return item;
  }

  std::optional<FieldValue> bare_item() {
    if (rest_.empty()) return std::nullopt;
    const char first = rest_.front();
    if (first == '"') return string();
    if (first == ':') return bytes();
    if (first == '-' || is_digit(first)) return number();
    if (take('?')) return take('0') || take('1') ? std::optional(FieldValue{}) : std::nullopt;
    if (first != '*' && !is_letter(first)) return std::nullopt;
    return FieldValue{.kind = Kind::token, .text = take_while(is_token_char)};
  }

  std::optional<FieldValue> string() {
    FieldValue value{.kind = Kind::string, .text = {}};
    rest_.remove_prefix(1);
    while (!rest_.empty()) {
      const char c = rest_.front();
      rest_.remove_prefix(1);
      if (c == '"') return value;
      if (c < 0x20 || c > 0x7e) return std::nullopt;
      if (c != '\\') {
        value.text += c;
        continue;
      }
      if (!rest_.starts_with('"') && !rest_.starts_with('\\')) return std::nullopt;
      value.text += rest_.front();
      rest_.remove_prefix(1);
    }
    return std::nullopt;
  }

  std::optional<FieldValue> bytes() {
    rest_.remove_prefix(1);
    FieldValue value{.kind = Kind::bytes, .text = take_while([](char c) {
                                            return is_letter(c) || is_digit(c) || c == '+' ||
                                                   c == '/' || c == '=';
                                          })};
    if (!take(':')) return std::nullopt;
    return value;
  }

  // Section 4.2.4: at most 15 digits, or 12 before the point and 3 behind it.
  std::optional<FieldValue> number() {
    const bool is_negative = take('-');
    const std::string whole = take_while(is_digit);
    if (whole.empty() || whole.size() > 15) return std::nullopt;
    if (take('.')) {
      const std::string fraction = take_while(is_digit);
      const bool fits = whole.size() <= 12 && !fraction.empty() && fraction.size() <= 3;
      return fits ? std::optional(FieldValue{.kind = Kind::decimal, .text = {}}) : std::nullopt;
    }
    const std::int64_t number = leading_count(whole).value_or(0);
    return FieldValue{.kind = Kind::integer, .integer = is_negative ? -number : number, .text = {}};
  }

  std::string_view rest_;
};

}  // namespace

const FieldValue* FieldItem::parameter(std::string_view name) const {
  const FieldValue* found = nullptr;
  for (const FieldParameter& parameter : parameters) {
    if (parameter.key == name) found = &parameter.value;
  }
  return found;
}

std::optional<std::vector<FieldItem>> parse_structured_field(std::string_view text) {
  while (text.ends_with(' ')) text.remove_suffix(1);
  return FieldReader(text).members();
}

}  // namespace ratebatch::provider
