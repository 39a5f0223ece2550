// JSON as the sandbox's APIs read and write it.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "ratebatch/json/writer.hpp"
#include "sandbox/question.hpp"

namespace ratebatch::sandbox {

// Deeper documents are refused: no request needs more.
constexpr std::size_t json_depth_max = 64;
constexpr std::size_t model_name_bytes_max = 256;

// Fails with what is wrong, for people: too deep, or no JSON object.
tl::expected<Json, std::string> read_object(std::string_view body);

// The member of this name if it is there and a text, else an empty one.
std::string text_at(const Json& object, const char* name);

// A text as it is, anything else as JSON.
std::string text_or_json(const Json& json);

// The text of a message's content: a string, or a list of parts, each of whose members of the name
// `text` counts.
std::string text_of_parts(const Json& content);

// Null for an empty text.
Json text_or_null(const std::string& text);

// Bytes that are not UTF-8 (a path, a client's id) are replaced: the writer would throw.
std::string written(const Json& json);

// Where written_with_pictures puts a picture.
std::string picture_mark();

// As written(), with the base64 of a picture in the place of each picture_mark(), in the order of
// their names. Large pictures are thus in memory once as a file and once in the text.
std::string written_with_pictures(const Json& json, const std::vector<std::uint64_t>& numbers,
                                  std::int64_t image_bytes);

Reply json_reply(int status, std::string body, std::vector<Header> headers = {});

}  // namespace ratebatch::sandbox
