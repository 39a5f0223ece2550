#include "ratebatch/quota/tiers.hpp"

#include <algorithm>
#include <chrono>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::quota {
namespace {

constexpr std::string_view openai_pages = "OpenAI model pages, usage tiers";
constexpr std::string_view openai_older = "OpenAI rate limit guide of 2024-25; may have changed";
constexpr std::string_view anthropic_page = "Anthropic rate limits page, usage tiers";
constexpr std::string_view gemini_studio = "A paid project in AI Studio, which shows your own";
constexpr std::string_view gemini_reset = "00:00 America/Los_Angeles";
constexpr std::string_view together_use = "Practice with image models; the service publishes none";
constexpr std::string_view elevenlabs_page = "ElevenLabs plans, concurrent requests";
constexpr std::string_view groq_page = "Groq rate limits page";
constexpr std::string_view read_at = "2026-10";

constexpr TierRow simple(std::string_view provider, std::string_view models, std::string_view tier,
                         std::array<TierAmount, 4> amounts, std::int32_t concurrency,
                         std::optional<Waves> waves, std::string_view source) {
  return {provider, models,           {},     tier,   0, amounts, concurrency, waves, 0, 0,
          {},       TokenRule::total, source, read_at};
}

constexpr TierRow openai(std::string_view models, std::int32_t number, std::string_view tier,
                         std::array<TierAmount, 4> amounts,
                         std::string_view source = openai_pages) {
  TierRow row = simple("openai", models, tier, amounts, 0, {}, source);
  row.number = number;
  row.token_rule = TokenRule::larger_of;
  return row;
}

constexpr TierRow gemini(std::string_view models, ModelKind kind, std::array<TierAmount, 4> amounts,
                         std::int32_t pause_at_per_mille) {
  TierRow row = simple("gemini", models, "paid", amounts, 0, {}, gemini_studio);
  row.kind = kind;
  row.number = 1;
  row.pace_at_per_mille = 900;
  row.pause_at_per_mille = pause_at_per_mille;
  row.reset = gemini_reset;
  row.token_rule = TokenRule::input_only;
  return row;
}

constexpr std::string_view gpt_4o = "gpt-4o|gpt-4.1";
constexpr std::string_view gpt_image = "gpt-image-1|gpt-image-1.5|gpt-image-2";
constexpr std::string_view diarize = "gpt-4o-transcribe-diarize";

constexpr std::array table = {
    openai(gpt_4o, 1, "tier1", {{{"rpm", 500}, {"tpm", 30'000}}}),
    openai(gpt_4o, 2, "tier2", {{{"rpm", 5000}, {"tpm", 450'000}}}),
    openai(gpt_4o, 3, "tier3", {{{"rpm", 5000}, {"tpm", 800'000}}}),
    openai(gpt_4o, 4, "tier4", {{{"rpm", 10'000}, {"tpm", 2'000'000}}}),
    openai(gpt_4o, 5, "tier5", {{{"rpm", 10'000}, {"tpm", 30'000'000}}}),
    openai("gpt-4o-mini", 1, "tier1", {{{"rpm", 500}, {"tpm", 200'000}, {"rpd", 10'000}}}),
    openai("gpt-4o-mini", 2, "tier2", {{{"rpm", 5000}, {"tpm", 2'000'000}}}),
    openai("gpt-4o-mini", 3, "tier3", {{{"rpm", 5000}, {"tpm", 4'000'000}}}),
    openai("gpt-4o-mini", 4, "tier4", {{{"rpm", 10'000}, {"tpm", 10'000'000}}}),
    openai("gpt-4o-mini", 5, "tier5", {{{"rpm", 30'000}, {"tpm", 150'000'000}}}),
    openai(diarize, 1, "tier1", {{{"rpm", 500}, {"tpm", 10'000}}}),
    openai(diarize, 2, "tier2", {{{"rpm", 5000}, {"tpm", 100'000}}}),
    openai(diarize, 3, "tier3", {{{"rpm", 5000}, {"tpm", 400'000}}}),
    openai(diarize, 4, "tier4", {{{"rpm", 10'000}, {"tpm", 2'000'000}}}),
    openai(diarize, 5, "tier5", {{{"rpm", 10'000}, {"tpm", 6'000'000}}}),
    openai(gpt_image, 1, "tier1", {{{"ipm", 5}, {"tpm", 100'000}}}),
    openai(gpt_image, 2, "tier2", {{{"ipm", 20}, {"tpm", 250'000}}}),
    openai(gpt_image, 3, "tier3", {{{"ipm", 50}, {"tpm", 800'000}}}),
    openai(gpt_image, 4, "tier4", {{{"ipm", 150}, {"tpm", 3'000'000}}}),
    openai(gpt_image, 5, "tier5", {{{"ipm", 250}, {"tpm", 8'000'000}}}),
    openai("gpt-4", 1, "tier1", {{{"rpm", 500}, {"tpm", 10'000}, {"rpd", 10'000}}}, openai_older),
    openai("gpt-4", 2, "tier2", {{{"rpm", 5000}, {"tpm", 40'000}}}, openai_older),
    openai("gpt-4", 3, "tier3", {{{"rpm", 5000}, {"tpm", 80'000}}}, openai_older),
    openai("gpt-4", 5, "tier5", {{{"rpm", 10'000}, {"tpm", 1'000'000}}}, openai_older),
    openai("dall-e-3", 0, "free", {{{"ipm", 1}}}, openai_older),
    openai("dall-e-3", 1, "tier1", {{{"ipm", 500}}}, openai_older),
    openai("dall-e-3", 2, "tier2", {{{"ipm", 2500}}}, openai_older),
    openai("dall-e-3", 3, "tier3", {{{"ipm", 5000}}}, openai_older),
    openai("dall-e-3", 4, "tier4", {{{"ipm", 5000}}}, openai_older),
    openai("dall-e-3", 5, "tier5", {{{"ipm", 10'000}}}, openai_older),
    openai("text-embedding-3-*", 1, "tier1", {{{"rpm", 3000}, {"tpm", 1'000'000}}}, openai_older),
    openai("text-embedding-3-*", 5, "tier5", {{{"rpm", 10'000}, {"tpm", 10'000'000}}},
           openai_older),
    openai("whisper-1|tts-1", 1, "tier1", {{{"rpm", 1500}}}, openai_older),
    openai("whisper-1|tts-1", 2, "tier2", {{{"rpm", 2500}}}, openai_older),
    openai("whisper-1|tts-1", 3, "tier3", {{{"rpm", 5000}}}, openai_older),
    openai("whisper-1|tts-1", 5, "tier5", {{{"rpm", 10'000}}}, openai_older),
    openai("tts-1-hd", 1, "tier1", {{{"rpm", 500}}}, openai_older),

    simple("anthropic", "*", "start", {{{"rpm", 1000}, {"itpm", 2'000'000}, {"otpm", 400'000}}}, 0,
           {}, anthropic_page),
    simple("anthropic", "*", "build", {{{"rpm", 5000}, {"itpm", 5'000'000}, {"otpm", 1'000'000}}},
           0, {}, anthropic_page),
    simple("anthropic", "*", "scale",
           {{{"rpm", 10'000}, {"itpm", 10'000'000}, {"otpm", 2'000'000}}}, 0, {}, anthropic_page),

    gemini("gemini-flash*|gemini-*-flash*", ModelKind::chat, {{{"rpm", 1000}, {"rpd", 10'000}}},
           900),
    gemini("gemini-*pro-image*", ModelKind::image, {{{"rpm", 20}, {"rpd", 250}}}, 960),

    simple("together", "*", "free", {}, 0, Waves{3, std::chrono::seconds{15}}, together_use),
    simple("together", "*", "paid", {}, 0, Waves{6, std::chrono::seconds{5}}, together_use),

    simple("elevenlabs", "*", "free", {}, 2, {}, elevenlabs_page),
    simple("elevenlabs", "*", "starter", {}, 3, {}, elevenlabs_page),
    simple("elevenlabs", "*", "creator", {}, 10, {}, elevenlabs_page),
    simple("elevenlabs", "*", "pro", {}, 30, {}, elevenlabs_page),

    simple("groq", "llama-3.1-8b-instant", "free",
           {{{"rpm", 30}, {"rpd", 14'400}, {"tpm", 6000}, {"tpd", 500'000}}}, 0, {}, groq_page),
};

// A name is that of its model, or of a dated version of it.
bool matches(std::string_view pattern, std::string_view id) {
  if (matches_glob(pattern, id)) return true;
  if (!id.starts_with(pattern)) return false;
  // "-0613" or "-2024-07-18", but not "-32k".
  constexpr std::size_t date_bytes_min = 5;
  const std::string_view rest = id.substr(pattern.size(), date_bytes_min);
  return rest.size() == date_bytes_min && rest[0] == '-' &&
         rest.find_first_not_of("0123456789", 1) == std::string_view::npos;
}

bool is_of(const TierRow& row, std::string_view provider, std::string_view id, ModelKind kind) {
  if (row.provider != provider || (row.kind && *row.kind != kind)) return false;
  for (std::optional<std::string_view> rest = row.models; rest;) {
    const auto [name, others] = parted(*rest, '|');
    if (matches(name, id)) return true;
    rest = others;
  }
  return false;
}

bool has_name(const TierRow& row, std::string_view tier) {
  if (row.tier == tier) return true;
  const auto number = whole_number<std::int32_t>(tier);
  return number && *number > 0 && *number == row.number;
}

}  // namespace

std::span<const TierRow> tier_table() { return table; }

const TierRow* find_tier(std::string_view provider, std::string_view model_id, ModelKind kind,
                         std::string_view tier) {
  const auto found = std::ranges::find_if(table, [&](const TierRow& row) {
    return has_name(row, tier) && is_of(row, provider, model_id, kind);
  });
  return found == table.end() ? nullptr : &*found;
}

std::vector<std::string> tier_names(std::string_view provider, std::string_view model_id,
                                    ModelKind kind) {
  std::vector<std::string> names;
  for (const TierRow& row : table) {
    if (is_of(row, provider, model_id, kind)) names.emplace_back(row.tier);
  }
  return names;
}

Limits tier_limits(const TierRow& row) {
  Limits limits;
  for (const TierAmount& amount : row.amounts) {
    if (amount.name.empty()) break;
    const LimitName* name = find_limit_name(amount.name);
    RB_ASSERT(name != nullptr);
    Limit limit{.name = std::string{name->name},
                .resource = name->resource,
                .amount = amount.amount,
                .window = name->window};
    if (row.pace_at_per_mille > 0) limit.pace_at_per_mille = row.pace_at_per_mille;
    if (row.pause_at_per_mille > 0) limit.pause_at_per_mille = row.pause_at_per_mille;
    limits.windows.push_back(std::move(limit));
  }
  if (row.concurrency > 0) limits.concurrency = row.concurrency;
  limits.stated = row.concurrency > 0 || !limits.windows.empty();
  return limits;
}

TokenRule provider_token_rule(std::string_view provider) {
  const auto found = std::ranges::find(table, provider, &TierRow::provider);
  return found == table.end() ? TokenRule::total : found->token_rule;
}

}  // namespace ratebatch::quota
