// An API of one's own, described: how it is asked and where its answer stands.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "input/config_parts.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/template_text.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::input {
namespace {

// Headers that the transport writes itself, or that would carry a key written down in the file.
constexpr std::array<std::string_view, 7> reserved_headers = {
    "authorization", "proxy-authorization", "connection", "content-length", "cookie",
    "host",          "transfer-encoding"};

// A token of RFC 9110, section 5.6.2.
bool is_header_name(std::string_view name) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  const auto is_token = [&](char c) { return is_letter_or_digit(c) || contains(marks, {&c, 1}); };
  return !name.empty() && std::ranges::all_of(name, is_token);
}

// RFC 6901, section 3.
bool is_pointer(std::string_view text) {
  if (!text.starts_with('/')) return false;
  for (std::size_t at = text.find('~'); at != std::string_view::npos; at = text.find('~', at + 1)) {
    const char next = at + 1 < text.size() ? text[at + 1] : ' ';
    if (next != '0' && next != '1') return false;
  }
  return !has_control_byte(text);
}

void read_pointer(const ConfigNode& node, std::string& out) {
  // Left empty, it takes back what the provider says.
  if (node.yaml.kind == YamlNode::Kind::null) return out.clear();
  if (node.yaml.kind != YamlNode::Kind::scalar || !is_pointer(node.yaml.text)) {
    return complain_of_text(node,
                            "expected a JSON pointer into the answer, such as /output/0/text");
  }
  out = node.yaml.text;
}

// A template outside of the body, where a whole conversation has no place.
bool check_plain_template(const ConfigNode& node, const std::string& text) {
  if (!check_template(node, text)) return false;
  const std::vector<std::string> names = TextTemplate::parse(text)->missing({});
  const bool plain = std::ranges::find(names, "messages") == names.end();
  if (!plain) node.complain("{{messages}} can stand in the body only, as a whole value");
  return plain;
}

void read_method(const ConfigNode& node, std::string& out) {
  const std::string& text = node.yaml.text;
  if (text != "POST" && text != "GET") return complain_of_text(node, "expected POST or GET");
  out = text;
}

// Below base_url: a path must not lead to another host, where the key would go.
void read_path(const ConfigNode& node, std::string& out) {
  std::string path;
  read_text(node, path);
  if (path.empty()) return;
  const bool begins = path.starts_with('?') || (path.starts_with('/') && !path.starts_with("//"));
  if (!begins || path.find_first_of(" #\\@") != std::string::npos ||
      contains(parted(path, '?').before, "..")) {
    return complain_of_text(node, "expected a path below base_url, such as /generate/{{model}}");
  }
  if (check_plain_template(node, path)) out = path;
}

using Headers = std::vector<std::pair<std::string, std::string>>;

Headers::iterator find_header(Headers& headers, std::string_view name) {
  return std::ranges::find_if(
      headers, [&](const auto& header) { return equal_ignoring_case(header.first, name); });
}

void read_header(const std::string& name, const ConfigNode& node, Headers& out) {
  if (!is_header_name(name)) return node.complain("expected the name of an HTTP header");
  if (std::ranges::find(reserved_headers, lower_case(name)) != reserved_headers.end()) {
    return node.complain(
        "this header cannot be set here; key_header says where the key goes, and keys where it is "
        "found");
  }
  if (find_header(out, name) != out.end()) {
    return node.complain("stands twice, in different letters");
  }
  std::string value;
  read_text(node, value);
  if (value.empty() || !check_plain_template(node, value)) return;
  out.emplace_back(name, std::move(value));
}

void read_headers(const ConfigNode& node, Headers& out) {
  Headers stated;
  read_named(node, [&](const std::string& name, const ConfigNode& value) {
    read_header(name, value, stated);
  });
  for (auto& header : stated) {
    if (const auto known = find_header(out, header.first); known != out.end()) out.erase(known);
    out.push_back(std::move(header));
  }
}

void check_body(const ConfigNode& node) {
  if (node.yaml.kind == YamlNode::Kind::scalar) check_template(node, node.yaml.text);
  for (std::size_t i = 0; i < node.yaml.items.size(); ++i) {
    const YamlNode& child = node.yaml.items[i];
    check_body(child.key.empty() ? node.item(i) : node.entry(child));
  }
}

void read_body(const ConfigNode& node, std::string& out) {
  if (node.yaml.kind == YamlNode::Kind::null) {
    return node.complain("expected what is sent, such as {text: \"{{prompt}}\"}");
  }
  check_body(node);
  read_json(node, out);
}

void read_key_header(const ConfigNode& node, HttpApi& out) {
  const auto read_name = [&](const ConfigNode& v) {
    if (!is_header_name(v.yaml.text)) return v.complain("expected the name of an HTTP header");
    out.key_header = v.yaml.text;
    out.key_prefix.clear();
  };
  read_keys(node, {{"name", read_name}, {"prefix", read_later}});
  const auto prefix = node.find("prefix");
  if (!prefix) return;
  // May be empty: the key alone.
  const YamlNode& text = prefix->yaml;
  if (text.kind != YamlNode::Kind::scalar || has_control_byte(text.text)) {
    return prefix->complain("expected a text before the key, or ''");
  }
  out.key_prefix = text.text;
}

}  // namespace

void read_http(const ConfigNode& node, std::optional<HttpApi>& out) {
  HttpApi api = out.value_or(HttpApi{});
  const auto pointer = [](std::string& target) { return into(target, read_pointer); };
  read_keys(node, {{"method", into(api.method, read_method)},
                   {"path", into(api.path, read_path)},
                   {"headers", into(api.headers, read_headers)},
                   {"body", into(api.body_json, read_body)},
                   {"key_header", into(api, read_key_header)},
                   {"result", pointer(api.result)},
                   {"finish_reason", pointer(api.finish_reason)},
                   {"usage",
                    [&](const ConfigNode& v) {
                      read_keys(v, {{"input_tokens", pointer(api.input_tokens)},
                                    {"output_tokens", pointer(api.output_tokens)},
                                    {"characters", pointer(api.characters)}});
                    }},
                   {"error", [&](const ConfigNode& v) {
                      read_keys(v, {{"message", pointer(api.error_message)},
                                    {"code", pointer(api.error_code)}});
                    }}});
  if (api.method == "GET" && node.find("body")) {
    node.complain("method GET has no body; put what is asked into path, or use POST");
  }
  if (api.method == "GET") api.body_json.clear();
  if (const auto found = find_header(api.headers, api.key_header); found != api.headers.end()) {
    node.complain(fmt::format("header '{}' is the one of the key", escaped(found->first, 60)));
  }
  out = std::move(api);
}

}  // namespace ratebatch::input
