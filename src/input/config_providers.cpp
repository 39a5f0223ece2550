// Providers: where they are, which API they speak, where their keys are found.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <charconv>

#include "input/config_parts.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch {
namespace {

constexpr std::string_view key_expected =
    "expected where the key is found: env:NAME or file:PATH (never the key itself)";

bool is_variable_name(std::string_view name) {
  const auto letter = [](char c) {
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || c == '_';
  };
  return !name.empty() && letter(name.front()) &&
         std::all_of(name.begin(), name.end(),
                     [&](char c) { return letter(c) || (c >= '0' && c <= '9'); });
}

void add_source(const ConfigNode& node, KeySource source, std::vector<KeySource>& out) {
  const bool twice = std::any_of(out.begin(), out.end(), [&](const KeySource& known) {
    return known.from == source.from && known.name == source.name;
  });
  if (twice) return node.complain(fmt::format("'{}' stands twice", escaped(source.name, 80)));
  out.push_back(std::move(source));
}

void add_variable(const ConfigNode& node, std::string_view name, std::vector<KeySource>& out) {
  if (name.find_first_of("*?") != std::string_view::npos) {
    return node.complain("patterns: " + not_yet("name each variable"));
  }
  // A name that is none may be a key that slipped in: it is not repeated.
  if (!is_variable_name(name)) {
    return node.complain(
        "expected the name of an environment variable after env, "
        "such as env:OPENAI_API_KEY");
  }
  add_source(node, {KeySource::From::environment, std::string(name)}, out);
}

void add_file(const ConfigNode& node, std::string_view path, std::vector<KeySource>& out) {
  if (path.empty() || has_control_byte(path)) return node.complain(key_expected);
  add_source(node, {KeySource::From::file, node.errors.resolved(std::string(path))}, out);
}

// env:NAME, file:PATH, {env: NAME} or {file: PATH}. What stands there is never printed.
void read_key_source(const ConfigNode& node, std::vector<KeySource>& out) {
  const std::string_view text = node.yaml.text;
  switch (node.yaml.kind) {
    case YamlNode::Kind::scalar:
      if (text.starts_with("env:")) return add_variable(node, text.substr(4), out);
      if (text.starts_with("file:")) return add_file(node, text.substr(5), out);
      if (text.starts_with("cred:")) return node.complain("cred: " + not_yet("use env: or file:"));
      return node.complain(key_expected);
    case YamlNode::Kind::map:
      if (node.yaml.items.empty()) return node.complain(key_expected);
      return read_keys(node,
                       {{"env", [&](const ConfigNode& v) { add_variable(v, v.yaml.text, out); }},
                        {"file", [&](const ConfigNode& v) { add_file(v, v.yaml.text, out); }}},
                       {{"group", "list keys of one account only: they share its limits"}});
    case YamlNode::Kind::null:
    case YamlNode::Kind::list:
      return node.complain(key_expected);
  }
}

void read_api(const ConfigNode& node, std::string& out) {
  const std::string& text = node.yaml.text;
  constexpr std::array<std::string_view, 5> later = {"anthropic", "gemini", "together",
                                                     "elevenlabs", "http"};
  if (std::find(later.begin(), later.end(), text) != later.end()) {
    return node.complain(
        fmt::format("api '{}' is not supported by this version; expected openai", text));
  }
  if (text != "openai") {
    return node.complain(fmt::format("expected openai, found '{}'{}", escaped(text, 60),
                                     did_you_mean(text, {"openai"})));
  }
  out = text;
}

void read_key_scope(const ConfigNode& node) {
  if (node.yaml.text == "shared") return;
  if (node.yaml.text == "separate") {
    return node.complain("separate: " + not_yet("make one provider per account"));
  }
  node.complain("expected shared");
}

bool is_loopback(std::string_view host) {
  return host == "localhost" || host == "[::1]" ||
         (host.starts_with("127.") &&
          host.find_first_not_of("0123456789.") == std::string_view::npos);
}

bool is_port(std::string_view text) {
  std::uint16_t port = 0;
  const auto [end, code] = std::from_chars(text.data(), text.data() + text.size(), port);
  return code == std::errc{} && end == text.data() + text.size() && port > 0;
}

}  // namespace

std::string normalize_base_url(std::string& url, bool allow_http) {
  if (has_control_byte(url) || url.find_first_of(" \\\"<>") != std::string::npos) {
    return "expected a URL without spaces and control characters";
  }
  const bool plain = url.starts_with("http://");
  if (!plain && !url.starts_with("https://")) {
    return "expected a URL that begins with https://, such as https://api.openai.com/v1";
  }
  if (url.find_first_of("?#") != std::string::npos) return "expected a URL without '?' and '#'";
  while (url.ends_with('/')) url.pop_back();
  const std::size_t begin = plain ? 7 : 8;
  const std::string_view all = url;
  const std::string_view authority =
      begin > all.size() ? std::string_view{} : all.substr(begin, all.find('/', begin) - begin);
  // Not repeated: what stands before the '@' is a password.
  if (authority.find('@') != std::string_view::npos) {
    return "expected a URL without user and password; keys are named under keys:";
  }
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  const std::string_view host = authority.substr(0, colon);
  if (host.empty()) return "expected a URL with a host, such as https://api.openai.com/v1";
  if (colon != std::string_view::npos && !is_port(authority.substr(colon + 1))) {
    return "expected a port from 1 to 65535 after the host";
  }
  if (plain && !allow_http && !is_loopback(host)) {
    return fmt::format(
        "http:// to '{}' would send the key unencrypted; use https://, or set "
        "allow_http: true",
        escaped(host, 80));
  }
  return {};
}

void read_key_sources(const ConfigNode& node, std::vector<KeySource>& out) {
  out.clear();
  if (node.yaml.kind != YamlNode::Kind::list) return read_key_source(node, out);
  if (node.yaml.items.empty()) return node.complain(key_expected);
  for (std::size_t i = 0; i < node.yaml.items.size(); ++i) read_key_source(node.item(i), out);
}

void read_provider(const ConfigNode& node, ProviderSettings& out) {
  if (out.name.find('/') != std::string::npos) {
    return node.complain("expected a name without '/', which stands between provider and model");
  }
  const YamlNode* base_url = nullptr;
  read_keys(node,
            {{"api", [&](const ConfigNode& v) { read_api(v, out.api); }},
             {"base_url",
              [&](const ConfigNode& v) {
                base_url = &v.yaml;
                read_text(v, out.base_url);
              }},
             {"keys", [&](const ConfigNode& v) { read_key_sources(v, out.keys); }},
             {"key_scope", [](const ConfigNode& v) { read_key_scope(v); }},
             {"limits", [&](const ConfigNode& v) { read_limits(v, out.limits); }},
             {"allow_http", [&](const ConfigNode& v) { read_boolean(v, out.allow_http); }},
             {"ca_file",
              [&](const ConfigNode& v) {
                read_text(v, out.ca_file);
                if (!out.ca_file.empty()) out.ca_file = v.errors.resolved(out.ca_file);
              }}},
            {{"tier", "state the limits of your account under limits:"}});
  if (base_url == nullptr && out.base_url.empty() && node.yaml.kind == YamlNode::Kind::map) {
    return node.complain("missing key base_url, such as https://api.openai.com/v1");
  }
  // Checked last: allow_http may stand behind it.
  if (base_url == nullptr || out.base_url.empty()) return;
  const std::string problem = normalize_base_url(out.base_url, out.allow_http);
  if (!problem.empty()) node.entry(*base_url).complain(problem);
}

}  // namespace ratebatch
