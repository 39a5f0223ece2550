// Structured field values (RFC 9651), as far as the RateLimit fields use them: lists of items with
// parameters, and dictionaries of such. Without inner lists and display strings.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ratebatch::provider {

struct FieldValue {
  enum class Kind : std::uint8_t { integer, decimal, string, token, bytes, boolean };
  Kind kind = Kind::boolean;
  std::int64_t integer = 0;  // Of integer.
  std::string text;          // Of string and token; of bytes still in base64.

  friend bool operator==(const FieldValue&, const FieldValue&) = default;
};

struct FieldItem {
  std::string key;  // Of a member of a dictionary; else empty.
  FieldValue value;
  std::vector<std::pair<std::string, FieldValue>> parameters;  // By their names.

  // The last parameter of this name, as the RFC says; nullptr if there is none.
  [[nodiscard]] const FieldValue* parameter(std::string_view name) const;
};

// The members of a list or dictionary. nullopt if the text is malformed anywhere (the RFC: such
// a field is ignored whole); empty for an empty text.
std::optional<std::vector<FieldItem>> parse_structured_field(std::string_view text);

}  // namespace ratebatch::provider
