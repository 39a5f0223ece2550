#include "ratebatch/quota/tiers.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <set>
#include <string>

#include "ratebatch/model/limit.hpp"

namespace ratebatch::tiers_test {

using namespace quota;

namespace {

using std::chrono::seconds;

// "rpm 500, tpm 30000", or "(none)" where there is no such tier.
std::string figures(const char* provider, const char* model, const char* tier,
                    ModelKind kind = ModelKind::chat) {
  const TierRow* row = find_tier(provider, model, kind, tier);
  if (row == nullptr) return "(none)";
  const Limits limits = tier_limits(*row);
  std::string text;
  const auto add = [&](const std::string& part) { text += (text.empty() ? "" : ", ") + part; };
  for (const Limit& limit : limits.windows) add(limit.name + " " + std::to_string(limit.amount));
  if (limits.concurrency) add("concurrency " + std::to_string(*limits.concurrency));
  if (row->waves) {
    add("waves " + std::to_string(row->waves->size) + " " + format_duration(row->waves->delay));
  }
  return text;
}

TEST_CASE("the figures of the table are those of the providers' pages") {
  CHECK(figures("openai", "gpt-4o", "1") == "rpm 500, tpm 30000");
  CHECK(figures("openai", "gpt-4.1", "5") == "rpm 10000, tpm 30000000");
  CHECK(figures("openai", "gpt-4o-mini", "1") == "rpm 500, tpm 200000, rpd 10000");
  CHECK(figures("openai", "gpt-4o-mini", "5") == "rpm 30000, tpm 150000000");
  CHECK(figures("openai", "gpt-image-1", "2", ModelKind::image) == "ipm 20, tpm 250000");
  CHECK(figures("anthropic", "claude-x", "start") == "rpm 1000, itpm 2000000, otpm 400000");
  CHECK(figures("anthropic", "claude-x", "scale") == "rpm 10000, itpm 10000000, otpm 2000000");
  CHECK(figures("gemini", "gemini-2.5-flash", "paid") == "rpm 1000, rpd 10000");
  CHECK(figures("gemini", "gemini-3-pro-image-preview", "1", ModelKind::image) ==
        "rpm 20, rpd 250");
  CHECK(figures("together", "black-forest-labs/FLUX.1-schnell", "free", ModelKind::image) ==
        "waves 3 15s");
  CHECK(figures("together", "any/thing", "paid") == "waves 6 5s");
  CHECK(figures("elevenlabs", "eleven_v3", "free") == "concurrency 2");
  CHECK(figures("elevenlabs", "eleven_v3", "starter") == "concurrency 3");
  CHECK(figures("elevenlabs", "eleven_v3", "creator") == "concurrency 10");
  CHECK(figures("elevenlabs", "eleven_v3", "pro") == "concurrency 30");
  CHECK(figures("groq", "llama-3.1-8b-instant", "free") ==
        "rpm 30, rpd 14400, tpm 6000, tpd 500000");
}

TEST_CASE("a dated id counts as its model, another model does not") {
  CHECK(figures("openai", "gpt-4o-mini-2024-07-18", "tier1") ==
        figures("openai", "gpt-4o-mini", "1"));
  CHECK(figures("openai", "gpt-4-0613", "1") == figures("openai", "gpt-4", "1"));
  for (const char* model : {"gpt-4-32k", "gpt-4-turbo", "gpt-4o-audio", "gpt-4o-", "gpt-5", ""}) {
    CAPTURE(model);
    CHECK(figures("openai", model, "1") == "(none)");
  }
  CHECK(figures("openai", "gpt-image-1-mini", "1", ModelKind::image) == "(none)");
}

TEST_CASE("a tier that is none, and a kind of model it is not for, have no row") {
  for (const char* tier : {"0", "6", "tier6", "auto", "", "01x", "-1", " 1", "free"}) {
    CAPTURE(tier);
    CHECK(figures("openai", "gpt-4o", tier) == "(none)");
  }
  CHECK(figures("acme", "gpt-4o", "1") == "(none)");
  CHECK(figures("gemini", "gemini-2.5-flash-image", "paid", ModelKind::image) == "(none)");
  CHECK(tier_names("acme", "gpt-4o", ModelKind::chat).empty());
  CHECK(tier_names("openai", "gpt-4", ModelKind::chat) ==
        std::vector<std::string>{"tier1", "tier2", "tier3", "tier5"});
}

TEST_CASE("rows bring their shares, and say whether limits are known") {
  const TierRow* row = find_tier("gemini", "gemini-3-pro-image", ModelKind::image, "paid");
  REQUIRE(row != nullptr);
  const Limits limits = tier_limits(*row);
  REQUIRE(limits.windows.size() == 2);
  CHECK(limits.windows[0].pace_at_per_mille == 900);
  CHECK(limits.windows[1].pause_at_per_mille == 960);
  CHECK(limits.windows[1].is_long());
  CHECK(row->reset == "00:00 America/Los_Angeles");
  CHECK(limits.stated);
  const TierRow* waves = find_tier("together", "x", ModelKind::chat, "free");
  REQUIRE(waves != nullptr);
  CHECK_FALSE(tier_limits(*waves).stated);
  const TierRow* usual = find_tier("openai", "gpt-4o", ModelKind::chat, "1");
  REQUIRE(usual != nullptr);
  CHECK(tier_limits(*usual).windows[0].pace_at_per_mille == Limit{}.pace_at_per_mille);
}

TEST_CASE("providers count tokens as their pages say") {
  CHECK(provider_token_rule("openai") == TokenRule::larger_of);
  CHECK(provider_token_rule("gemini") == TokenRule::input_only);
  CHECK(provider_token_rule("anthropic") == TokenRule::total);
  CHECK(provider_token_rule("acme") == TokenRule::total);
}

TEST_CASE("every row is whole, and can be found by its own names") {
  std::set<std::string> seen;
  for (const TierRow& row : tier_table()) {
    CAPTURE(row.provider);
    CAPTURE(row.models);
    CAPTURE(row.tier);
    CHECK_FALSE(row.provider.empty());
    CHECK_FALSE(row.tier.empty());
    CHECK_FALSE(row.source.empty());
    CHECK(row.date.size() == 7);
    CHECK((!row.amounts[0].name.empty() || row.concurrency > 0 || row.waves.has_value()));
    for (const TierAmount& amount : row.amounts) {
      if (amount.name.empty()) continue;
      CHECK(find_limit_name(amount.name) != nullptr);
      CHECK(amount.amount > 0);
    }
    CHECK(seen.insert(std::string(row.provider) + "|" + std::string(row.models) + "|" +
                      std::string(row.tier))
              .second);
    const std::string first(row.models.substr(0, row.models.find('|')));
    const TierRow* found =
        find_tier(row.provider, first, row.kind.value_or(ModelKind::chat), row.tier);
    CHECK(found == &row);
  }
}

TEST_CASE("the short names of limits name each resource and window once") {
  std::set<std::string_view> names;
  for (const LimitName& known : limit_names) {
    CHECK(names.insert(known.name).second);
    CHECK(find_limit_name(known.name) == &known);
  }
  CHECK(names.size() == resource_count * 5);
  CHECK(find_limit_name("itpm")->resource == Resource::input_tokens);
  CHECK(find_limit_name("tpmo")->window == month_window);
  CHECK(find_limit_name("rpy") == nullptr);
  CHECK(find_limit_name("") == nullptr);
  CHECK(find_limit_name("rps")->window == seconds{1});
}

}  // namespace
}  // namespace ratebatch::tiers_test
