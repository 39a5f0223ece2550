#include "sandbox/json_body.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::sandbox {

tl::expected<Json, std::string> read_object(std::string_view body) {
  auto json = json::parse(body);
  if (json && json->is_object()) return std::move(*json);
  if (!json && json.error().fault == json::Fault::too_deep) {
    return tl::unexpected(
        fmt::format("The JSON body is nested deeper than {} levels.", json::depth_max));
  }
  return tl::unexpected<std::string>("We could not parse the JSON body of your request.");
}

const Json* find_member(const Json& object, std::initializer_list<const char*> names) {
  for (const char* const name : names) {
    if (const auto found = object.find(name); found != object.end()) return &*found;
  }
  return nullptr;
}

std::string text_of_parts(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (!content.is_array()) return text;
  for (const Json& part : content) {
    if (part.is_object()) text += json::text_member(part, "text");
  }
  return text;
}

std::string filled(std::string_view pattern, std::initializer_list<PatternValue> values) {
  std::string out;
  for (std::size_t at = 0; at < pattern.size();) {
    const std::size_t mark = std::min(pattern.find('$', at), pattern.size());
    out += pattern.substr(at, mark - at);
    if (mark == pattern.size()) break;
    const auto is_of_name = [](char c) { return is_lower(c) || c == '_'; };
    const char* const end = std::find_if_not(pattern.begin() + mark + 1, pattern.end(), is_of_name);
    const std::string_view name(pattern.begin() + mark + 1, end);
    const auto found = std::ranges::find(values, name, &PatternValue::name);
    RB_ASSERT(found != values.end());
    if (const auto* number = std::get_if<std::int64_t>(&found->value)) {
      out += std::to_string(*number);
    } else if (const auto* text = std::get_if<std::string_view>(&found->value)) {
      append_json_string(out, *text);
    } else {
      std::get<2>(found->value)(out);
    }
    at = mark + 1 + name.size();
  }
  return out;
}

std::function<void(std::string&)> or_null(std::string_view text) {
  return [text](std::string& out) {
    text.empty() ? void(out += "null") : append_json_string(out, text);
  };
}

std::function<void(std::string&)> raw(std::string text) {
  return [text = std::move(text)](std::string& out) { out += text; };
}

Reply json_reply(int status, std::string body, std::vector<Header> headers) {
  headers.push_back({"Content-Type", "application/json"});
  return {status, std::move(headers), std::move(body)};
}

}  // namespace ratebatch::sandbox
