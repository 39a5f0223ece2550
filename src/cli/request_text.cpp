#include "cli/request_text.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <string_view>
#include <utility>
#include <vector>

#include "ratebatch/base/text.hpp"
#include "ratebatch/json/writer.hpp"
#include "ratebatch/run/status_json.hpp"

namespace ratebatch::cli {
namespace {

using Json = json::OrderedJson;

// Longer texts of nothing but these letters are files; no prompt looks so.
constexpr std::size_t base64_bytes_min = 1024;

bool is_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  return std::all_of(text.begin(), text.end(), [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '+' ||
           c == '/';
  });
}

std::string bytes_text(std::size_t bytes, std::string_view of) {
  return fmt::format("<{} bytes of {}>", grouped(static_cast<std::int64_t>(bytes)), of);
}

// A file inside JSON by its size; every other text as it is.
std::string without_base64(const std::string& text) {
  constexpr std::string_view mark = ";base64,";
  if (text.size() < base64_bytes_min) return text;
  std::string_view data = text;
  std::string_view type = "base64";
  const std::size_t comma = text.starts_with("data:") ? text.find(mark) : std::string::npos;
  if (comma != std::string::npos) {
    type = data.substr(5, comma - 5);
    data.remove_prefix(comma + mark.size());
  }
  if (!is_base64(data)) return text;
  const std::size_t padding = data.size() - data.find_last_not_of('=') - 1;
  const std::string shown =
      bytes_text(data.size() / 4 * 3 - std::min<std::size_t>(padding, 2), type);
  return comma == std::string::npos ? shown : "data:" + shown;
}

void shorten(Json& json) {
  if (json.is_string()) json = without_base64(json.get<std::string>());
  if (!json.is_structured()) return;
  for (Json& child : json) shorten(child);
}

struct Part {
  std::string name;
  std::string file_name;   // Empty: a plain field.
  std::string media_type;  // Of a file.
  std::string_view content;
};

// The value of name="..." in a header.
std::string quoted_value(std::string_view header, std::string_view name) {
  const std::string before = fmt::format("; {}=\"", name);
  const std::size_t begin = header.find(before);
  if (begin == std::string_view::npos) return {};
  const std::string_view rest = header.substr(begin + before.size());
  return std::string(rest.substr(0, rest.find('"')));
}

Part read_part(std::string_view text) {
  constexpr std::string_view type_mark = "\r\ncontent-type: ";
  const std::size_t end = text.find("\r\n\r\n");
  const std::string_view head = text.substr(0, end);
  Part part;
  part.name = quoted_value(head, "name");
  part.file_name = quoted_value(head, "filename");
  const std::size_t type = head.find(type_mark);
  if (type != std::string_view::npos) {
    const std::string_view rest = head.substr(type + type_mark.size());
    part.media_type = rest.substr(0, rest.find("\r\n"));
  }
  if (end != std::string_view::npos) part.content = text.substr(end + 4);
  return part;
}

// The parts of a multipart body as our dialects write it; none where it is another body.
std::vector<Part> parts_of(const HttpRequest& request) {
  constexpr std::string_view mark = "boundary=";
  std::string_view type;
  for (const Header& header : request.headers) {
    if (header.value.starts_with("multipart/form-data;")) type = header.value;
  }
  std::vector<Part> parts;
  const std::size_t at = type.find(mark);
  if (at == std::string_view::npos) return parts;
  const std::string boundary = fmt::format("--{}", type.substr(at + mark.size()));
  const std::string_view body = request.body;
  std::size_t begin = body.find(boundary);
  while (begin != std::string_view::npos) {
    begin += boundary.size();
    const std::size_t end = body.find("\r\n" + boundary, begin);
    if (end == std::string_view::npos) break;
    parts.push_back(read_part(body.substr(begin, end - begin)));
    begin = end + 2;
  }
  return parts;
}

std::string body_text(const HttpRequest& request) {
  std::string text;
  for (const Part& part : parts_of(request)) {
    text += escaped(part.name) + ": ";
    text += part.file_name.empty()
                ? escaped(part.content)
                : fmt::format("{} ({})", bytes_text(part.content.size(), escaped(part.media_type)),
                              escaped(part.file_name));
    text += '\n';
  }
  if (!text.empty() || request.body.empty()) return text;
  Json json = Json::parse(request.body, nullptr, false);
  if (json.is_discarded()) return escaped(request.body, request.body.size()) + "\n";
  shorten(json);
  return json.dump(2, ' ', false, Json::error_handler_t::replace) + "\n";
}

Json body_json(const HttpRequest& request) {
  Json parts = Json::array();
  for (const Part& part : parts_of(request)) {
    if (part.file_name.empty()) {
      parts.push_back({{"name", part.name}, {"text", part.content}});
    } else {
      parts.push_back({{"name", part.name},
                       {"file", part.file_name},
                       {"media_type", part.media_type},
                       {"bytes", part.content.size()}});
    }
  }
  if (!parts.empty()) return parts;
  if (request.body.empty()) return nullptr;
  Json json = Json::parse(request.body, nullptr, false);
  if (json.is_discarded()) return request.body;
  shorten(json);
  return json;
}

}  // namespace

std::string request_text(const HttpRequest& request, const std::string& key_name) {
  std::string text = fmt::format("{} {}\n", request.method, escaped(request.url));
  if (request.key_header && key_name != "none") {
    text += fmt::format("{}: {}[key {}]\n", escaped(request.key_header->name),
                        escaped(request.key_header->prefix), escaped(key_name));
  }
  for (const Header& header : request.headers) {
    text += fmt::format("{}: {}\n", escaped(header.name), escaped(header.value));
  }
  return text + "\n" + body_text(request);
}

std::string request_json(const std::string& id, const HttpRequest& request,
                         const std::string& key_name) {
  Json json = {{"schema_version", run::json_schema_version}, {"message_type", "request"}};
  json["id"] = id;
  json["method"] = request.method;
  json["url"] = request.url;
  json["key"] = key_name;
  json["headers"] = Json::object();
  for (const Header& header : request.headers) json["headers"][header.name] = header.value;
  json["body"] = body_json(request);
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ratebatch::cli
