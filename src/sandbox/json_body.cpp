#include "sandbox/json_body.hpp"

#include <fmt/format.h>

#include "sandbox/picture.hpp"

namespace ratebatch::sandbox {
namespace {

// Looks at brackets only, so that the parser never sees a document that is too deep.
bool is_too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > json_depth_max) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

}  // namespace

tl::expected<Json, std::string> read_object(std::string_view body) {
  if (is_too_deep(body)) {
    return tl::unexpected<std::string>(
        fmt::format("The JSON body is nested deeper than {} levels.", json_depth_max));
  }
  Json json = Json::parse(body, nullptr, false);
  if (json.is_object()) return json;
  return tl::unexpected<std::string>("We could not parse the JSON body of your request.");
}

std::string text_at(const Json& object, const char* name) {
  const auto found = object.find(name);
  return found != object.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

std::string text_or_json(const Json& json) {
  return json.is_string() ? json.get<std::string>() : written(json);
}

std::string text_of_parts(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (!content.is_array()) return text;
  for (const Json& part : content) {
    if (part.is_object()) text += text_at(part, "text");
  }
  return text;
}

Json text_or_null(const std::string& text) { return text.empty() ? Json() : Json(text); }

std::string written(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// No other value of the sandbox's answers is a control byte.
std::string picture_mark() { return "\x01"; }

std::string written_with_pictures(const Json& json, const std::vector<std::uint64_t>& numbers,
                                  std::int64_t image_bytes) {
  const std::string mark = written(Json(picture_mark()));
  const std::string text = written(json);
  std::string out;
  std::size_t from = 0;
  for (const std::uint64_t number : numbers) {
    const std::size_t at = text.find(mark, from);
    if (at == std::string::npos) break;
    const std::string png = picture_png(number, image_bytes);
    if (from == 0) out.reserve(text.size() + numbers.size() * base64_size(png.size()));
    out.append(text, from, at + 1 - from);
    append_base64(out, png);
    from = at + mark.size() - 1;
  }
  out.append(text, from);
  return out;
}

Reply json_reply(int status, std::string body, std::vector<Header> headers) {
  headers.push_back({"Content-Type", "application/json"});
  return {status, std::move(headers), std::move(body)};
}

}  // namespace ratebatch::sandbox
