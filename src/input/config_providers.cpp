// Providers: where they are, which API they speak, where their keys are found.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "input/config_parts.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/base/url.hpp"
#include "ratebatch/input/config_file.hpp"
#include "ratebatch/provider/dialect.hpp"
#include "ratebatch/quota/tiers.hpp"

namespace ratebatch::input {
namespace {

struct BuiltIn {
  std::string_view name;
  std::string_view api;
  std::string_view base_url;
  std::string_view variable;
};

// The providers that are known without any file. From the providers' API references; groq speaks
// OpenAI's dialect.
constexpr std::array<BuiltIn, 6> built_in = {
    {{"openai", "openai", "https://api.openai.com/v1", "OPENAI_API_KEY"},
     {"anthropic", "anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"},
     {"gemini", "gemini", "https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY"},
     {"together", "together", "https://api.together.ai/v1", "TOGETHER_API_KEY"},
     {"elevenlabs", "elevenlabs", "https://api.elevenlabs.io/v1", "ELEVENLABS_API_KEY"},
     {"groq", "openai", "https://api.groq.com/openai/v1", "GROQ_API_KEY"}}};

void read_api(const ConfigNode& node, std::string& out) {
  std::vector<std::pair<std::string, std::string>> choices;
  for (const std::string_view name : provider::dialect_names()) choices.emplace_back(name, name);
  choice<std::string>(out, std::move(choices))(node);
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

Config built_in_config() {
  Config config;
  for (const BuiltIn& known : built_in) {
    ProviderSettings provider;
    provider.name = known.name;
    provider.api = known.api;
    provider.base_url = known.base_url;
    provider.keys = {{KeySource::From::environment, std::string(known.variable), {}}};
    provider.assumed = known.name != "openai";
    config.providers.emplace(provider.name, std::move(provider));
  }
  return config;
}

std::string_view known_provider(const ProviderSettings& provider) {
  auto known = std::ranges::find(built_in, provider.name, &BuiltIn::name);
  if (known == built_in.end()) {
    known = std::ranges::find(built_in, provider.base_url, &BuiltIn::base_url);
  }
  return known == built_in.end() ? std::string_view{} : known->name;
}

TokenRule token_rule(const ProviderSettings& provider) {
  return quota::provider_token_rule(known_provider(provider));
}

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
  out.assumed = false;
  if (out.name.find('/') != std::string::npos) {
    return node.complain("expected a name without '/', which stands between provider and model");
  }
  const LimitDefaults defaults{{}, config.pace_at_per_mille, config.pause_at_per_mille};
  const std::string known_api = out.api;
  read_keys(node,
            {{"api", into(out.api, read_api)},
             {"base_url", into(out.base_url, read_text)},
             {"keys", into(out.keys, read_key_sources)},
             {"key_scope", choice<KeyScope>(out.key_scope, {{"shared", KeyScope::shared},
                                                            {"separate", KeyScope::separate}})},
             {"limits", into(out.limits, read_limits, defaults)},
             {"http", into(out.http, read_http)},
             {"allow_http", into(out.allow_http, read_boolean)},
             {"ca_file", [&](const ConfigNode& v) {
                read_text(v, out.ca_file);
                if (!out.ca_file.empty()) out.ca_file = v.errors.resolved(out.ca_file);
              }}});
  if (const auto http = node.find("http"); http && out.api != "http") {
    http->complain(
        fmt::format("describes an API for 'api: http', and this provider has '{}'", out.api));
  }
  const auto base_url = node.find("base_url");
  // The address that is built in belongs to the API that is built in.
  const bool has_address = !out.base_url.empty() && out.api == known_api;
  if (!base_url && !has_address && node.yaml.kind == YamlNode::Kind::map) {
    return node.complain("missing key base_url, such as https://api.openai.com/v1");
  }
  // Checked last: allow_http may stand behind it.
  if (!base_url || out.base_url.empty()) return;
  const std::string problem = normalize_base_url(out.base_url, out.allow_http);
  if (!problem.empty()) base_url->complain(problem);
}

}  // namespace ratebatch::input
