// Providers: where they are, which API they speak, where their keys are found.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "input/config_parts.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/base/url.hpp"
#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::input {
namespace {

void read_api(const ConfigNode& node, std::string& out) {
  const std::string& text = node.yaml.text;
  const std::vector<std::string_view> known = provider::dialect_names();
  if (std::find(known.begin(), known.end(), text) != known.end()) {
    out = text;
    return;
  }
  node.complain(fmt::format("expected one of {}, found '{}'{}", fmt::join(known, ", "),
                            escaped(text, 60), did_you_mean(text, {known.begin(), known.end()})));
}

void read_key_scope(const ConfigNode& node, KeyScope& out) {
  const std::string& text = node.yaml.text;
  if (text == "shared") {
    out = KeyScope::shared;
  } else if (text == "separate") {
    out = KeyScope::separate;
  } else {
    node.complain(fmt::format("expected shared or separate, found '{}'{}", escaped(text, 60),
                              did_you_mean(text, {"shared", "separate"})));
  }
}

std::string message_of(UrlFault fault) {
  switch (fault) {
    case UrlFault::bytes:
      return "expected a URL without spaces and control characters";
    case UrlFault::scheme:
      return "expected a URL that begins with https://, such as https://api.openai.com/v1";
    case UrlFault::user:  // Not repeated: what stands before the '@' is a password.
      return "expected a URL without user and password; keys are named under keys:";
    case UrlFault::host:
      return "expected a URL with a host, such as https://api.openai.com/v1";
    case UrlFault::port:
      return "expected a port from 1 to 65535 after the host";
  }
  return {};
}

}  // namespace

std::string normalize_base_url(std::string& url, bool allow_http) {
  const auto read = read_url(url);
  if (url.find_first_of(" \\\"<>") != std::string::npos) return message_of(UrlFault::bytes);
  if (!read) return message_of(read.error());
  if (!url.starts_with(read->origin.scheme)) return message_of(UrlFault::scheme);
  if (url.find_first_of("?#") != std::string::npos) return "expected a URL without '?' and '#'";
  while (url.ends_with('/')) url.pop_back();
  const Origin& origin = read->origin;
  if (origin.scheme == "http" && !allow_http && !is_loopback_host(origin.host)) {
    return fmt::format(
        "http:// to '{}' would send the key unencrypted; use https://, or set "
        "allow_http: true",
        escaped(origin.host, 80));
  }
  return {};
}

void read_provider(const ConfigNode& node, const Config& config, ProviderSettings& out) {
  if (out.name.find('/') != std::string::npos) {
    return node.complain("expected a name without '/', which stands between provider and model");
  }
  const LimitDefaults defaults{{}, config.pace_at_per_mille, config.pause_at_per_mille};
  const std::string known_api = out.api;
  const YamlNode* base_url = nullptr;
  const YamlNode* http = nullptr;
  read_keys(node, {{"api", [&](const ConfigNode& v) { read_api(v, out.api); }},
                   {"base_url",
                    [&](const ConfigNode& v) {
                      base_url = &v.yaml;
                      read_text(v, out.base_url);
                    }},
                   {"keys", [&](const ConfigNode& v) { read_key_sources(v, out.keys); }},
                   {"key_scope", [&](const ConfigNode& v) { read_key_scope(v, out.key_scope); }},
                   {"limits", [&](const ConfigNode& v) { read_limits(v, defaults, out.limits); }},
                   {"http",
                    [&](const ConfigNode& v) {
                      http = &v.yaml;
                      read_http(v, out.http);
                    }},
                   {"allow_http", [&](const ConfigNode& v) { read_boolean(v, out.allow_http); }},
                   {"ca_file", [&](const ConfigNode& v) {
                      read_text(v, out.ca_file);
                      if (!out.ca_file.empty()) out.ca_file = v.errors.resolved(out.ca_file);
                    }}});
  if (http != nullptr && out.api != "http") {
    node.entry(*http).complain(
        fmt::format("describes an API for 'api: http', and this provider has '{}'", out.api));
  }
  // The address that is built in belongs to the API that is built in.
  const bool has_address = !out.base_url.empty() && out.api == known_api;
  if (base_url == nullptr && !has_address && node.yaml.kind == YamlNode::Kind::map) {
    return node.complain("missing key base_url, such as https://api.openai.com/v1");
  }
  // Checked last: allow_http may stand behind it.
  if (base_url == nullptr || out.base_url.empty()) return;
  const std::string problem = normalize_base_url(out.base_url, out.allow_http);
  if (!problem.empty()) node.entry(*base_url).complain(problem);
}

}  // namespace ratebatch::input
