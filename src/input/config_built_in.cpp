// The providers that are known without any file.
#include <algorithm>
#include <array>

#include "ratebatch/input/config_file.hpp"
#include "ratebatch/quota/tiers.hpp"

namespace ratebatch::input {
namespace {

struct BuiltIn {
  std::string_view name;
  std::string_view api;
  std::string_view base_url;
  std::string_view variable;
};

// From the providers' API references; groq speaks OpenAI's dialect.
constexpr std::array<BuiltIn, 6> built_in = {
    {{"openai", "openai", "https://api.openai.com/v1", "OPENAI_API_KEY"},
     {"anthropic", "anthropic", "https://api.anthropic.com/v1", "ANTHROPIC_API_KEY"},
     {"gemini", "gemini", "https://generativelanguage.googleapis.com/v1beta", "GEMINI_API_KEY"},
     {"together", "together", "https://api.together.ai/v1", "TOGETHER_API_KEY"},
     {"elevenlabs", "elevenlabs", "https://api.elevenlabs.io/v1", "ELEVENLABS_API_KEY"},
     {"groq", "openai", "https://api.groq.com/openai/v1", "GROQ_API_KEY"}}};

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
  const auto named = std::find_if(built_in.begin(), built_in.end(), [&](const BuiltIn& known) {
    return known.name == provider.name;
  });
  if (named != built_in.end()) return named->name;
  const auto addressed = std::find_if(built_in.begin(), built_in.end(), [&](const BuiltIn& known) {
    return known.base_url == provider.base_url;
  });
  return addressed == built_in.end() ? std::string_view{} : addressed->name;
}

TokenRule token_rule(const ProviderSettings& provider) {
  return quota::provider_token_rule(known_provider(provider));
}

}  // namespace ratebatch::input
