// JSON from a server, read with care: nothing in it is trusted to be there, or to be of its type.
// The only header of this folder that includes nlohmann/json.
#pragma once

#include <cstdint>
#include <nlohmann/json.hpp>
#include <optional>
#include <string>
#include <string_view>

namespace ratebatch::provider {

using Json = nlohmann::json;

// Arrays and objects open at the same time: as in job lines. The library recurses where it copies
// and writes.
constexpr int reply_json_depth_max = 64;

// The text without zero bytes behind it: servers written in C send them.
std::string_view without_end_zeros(std::string_view text);

// The value of the text, with bytes that are not UTF-8 replaced. Blank lines around it are fine.
// Nothing where the text is no JSON, or nested too deep.
std::optional<Json> read_json(std::string_view text);

// The member of this name; nullptr where `value` is no object, has none, or has null.
const Json* member(const Json& value, const char* name);

// The first element; nullptr where `value` is null itself, no array, or empty.
const Json* first_element(const Json* value);

// The member of this name where it is a string, else an empty text.
std::string text_member(const Json& value, const char* name);

// The member of this name where it is a whole number from 0, else 0.
std::int64_t count_member(const Json& value, const char* name);

// The JSON text; bytes that are not UTF-8 are replaced.
std::string written_json(const Json& value);

}  // namespace ratebatch::provider
