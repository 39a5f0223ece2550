// The built-in table of what accounts of known providers may do, by tier: figures that save typing,
// not facts about one's own account. What the configuration states replaces them name by name.
//
// Data and lookup only. Every row says where its figures are from and when they were read.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/model/config.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::quota {

// A limit by its short name (find_limit_name).
struct TierAmount {
  std::string_view name;  // Empty: none.
  std::int64_t amount = 0;
};

struct TierRow {
  std::string_view provider;
  std::string_view models;        // Patterns of ids with '|' between them; "*": all.
  std::optional<ModelKind> kind;  // Of these models only; absent: of all.
  std::string_view tier;          // As the configuration calls it: "tier1", "free".
  std::int32_t number = 0;        // The same as a number ("tier: 1"); 0: it has none.
  std::array<TierAmount, 4> amounts;
  std::int32_t concurrency = 0;  // 0: not limited.
  std::optional<Waves> waves;
  std::int32_t pace_at_per_mille = 0;   // Of short limits; 0: as the configuration says.
  std::int32_t pause_at_per_mille = 0;  // Of long limits, likewise.
  std::string_view reset;               // Of its limits per day, as configured; empty: rolling.
  TokenRule token_rule = TokenRule::total;
  std::string_view source;  // Where its figures are from.
  std::string_view date;    // When they were read: "2026-10".
};

// All rows: by provider, then by model, then by tier.
std::span<const TierRow> tier_table();

// The row of a tier, named or numbered, for a model as its provider calls it; dated ids
// ("gpt-4o-mini-2024-07-18") count as the model they are of. nullptr if there is none.
const TierRow* find_tier(std::string_view provider, std::string_view model_id, ModelKind kind,
                         std::string_view tier);

// The tiers that this model has rows for, lowest first; empty where the table does not know it.
std::vector<std::string> tier_names(std::string_view provider, std::string_view model_id,
                                    ModelKind kind);

// The limits of a row, with the shares it brings; its reset is left to the caller, who has the time
// zones. `stated` where it has any limit.
Limits tier_limits(const TierRow& row);

// How this provider counts tokens; TokenRule::total where the table does not know it.
TokenRule provider_token_rule(std::string_view provider);

}  // namespace ratebatch::quota
