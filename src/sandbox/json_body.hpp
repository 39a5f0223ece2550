// JSON as the sandbox's APIs read and write it.
#pragma once

#include <cstdint>
#include <functional>
#include <initializer_list>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <variant>
#include <vector>

#include "ratebatch/json/writer.hpp"
#include "sandbox/question.hpp"

namespace ratebatch::sandbox {

// Fails with what is wrong, for people: too deep, or no JSON object.
tl::expected<Json, std::string> read_object(std::string_view body);

// The member under the first of these names that is there; nullptr if there is none, or `object` is
// no object.
const Json* find_member(const Json& object, std::initializer_list<const char*> names);

// The text of a message's content: a string, or a list of parts, each of whose members of the name
// `text` counts.
std::string text_of_parts(const Json& content);

// What a name in a pattern stands for: a number, a text that is written as a JSON string (as null
// if it is empty), or whatever the function appends.
struct PatternValue {
  std::string_view name;
  std::variant<std::int64_t, std::string_view, std::function<void(std::string&)>> value;
};

// JSON from a pattern that holds $name for each value. A long text is thus never copied but once,
// and a value that the pattern does not name is never made. Precondition: the values have all
// names.
std::string filled(std::string_view pattern, std::initializer_list<PatternValue> values);

// Values that append the text as it is, and as a JSON string or null if it is empty.
std::function<void(std::string&)> raw(std::string text);
std::function<void(std::string&)> or_null(std::string_view text);

Reply json_reply(int status, std::string body, std::vector<Header> headers = {});

}  // namespace ratebatch::sandbox
