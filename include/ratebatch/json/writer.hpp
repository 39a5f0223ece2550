// JSON as a tree that can be built, changed and written, and the texts it is made from.
//
// The only header that includes nlohmann/json. For configuration, messages and the rare texts; what
// is read in numbers goes through reader.hpp. The limits hold while a text is parsed, so a hostile
// one never becomes a deep tree that later has to be copied or freed.
#pragma once

#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

#include "ratebatch/json/json_fwd.hpp"

namespace simdjson::dom {
class element;
}

// A value of reader.hpp converts by itself to almost anything, and throws if that does not fit. It
// must never become a tree unseen, for example where both headers have a function of one name.
template <>
struct nlohmann::adl_serializer<simdjson::dom::element> {
  template <typename Tree>
  static void to_json(Tree& tree, const simdjson::dom::element& value) = delete;
};

namespace ratebatch::json {

// Reads one JSON text from a user. Columns in messages count characters from 1.
tl::expected<Json, ParseError> parse(std::string_view text);

// Reads a text that parse() took before. Precondition: `text` is such a text.
Json parse_valid(std::string_view text);

// Reads a text from a server: bytes that are not UTF-8 are replaced, numbers may have any length,
// the last of several members of one name counts, and zero bytes at the end are ignored (servers
// written in C send them). nullopt if it is not JSON, or nested deeper than depth_max.
std::optional<Json> parse_lenient(std::string_view text);

// The canonical text: sorted keys, no spaces, UTF-8 as it is. Equal text is equal content.
// Precondition: `value` comes from parse() or holds only valid UTF-8.
std::string canonical(const Json& value);

// The JSON text on one line; bytes that are not UTF-8 are replaced.
std::string written(const Json& value);
std::string written(const OrderedJson& value);

// The text of a string as it is; of any other value its JSON text.
std::string as_text(const Json& value);

// The member of this name; nullptr if `value` is not an object, or has no such member, or only null
// there.
const Json* member(const Json& value, const char* name);

// The text of the member of this name; empty if it is not a string.
std::string text_member(const Json& value, const char* name);

}  // namespace ratebatch::json
