// The configuration as plain data: what ratebatch.yaml says, with every default filled in.
//
// Read by input/config_file; nothing here touches a file or an environment variable. JSON appears
// as text, because only dialects look inside it.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch {

// Where a key comes from; never the key itself. Keys are known by `name` in every output.
struct KeySource {
  enum class From : std::uint8_t { environment, file };
  From from = From::environment;
  std::string name;  // The variable's name, or the file's path.
};

struct ProviderSettings {
  std::string name;
  std::string api = "openai";  // The dialect.
  std::string base_url;        // With scheme, without trailing slash.
  std::vector<KeySource> keys;
  Limits limits;  // Over all lanes of the provider.
  bool allow_http = false;
  std::string ca_file;
};

enum class ModelKind : std::uint8_t { chat, image };

enum class Growth : std::uint8_t { doubling, linear };

// Backoff of one outcome class: `base`, growing to `max`, for `retries` tries.
struct RetryRule {
  std::int32_t retries = 0;
  Duration base{};
  Duration max{};
  Growth growth = Growth::doubling;

  friend bool operator==(const RetryRule&, const RetryRule&) = default;
};

// Defaults: our own, from the advice of the providers' error pages (OpenAI, Anthropic, Gemini:
// exponential backoff with jitter) and what their short and long windows need.
struct RetrySettings {
  RetryRule rate_limit{5, std::chrono::seconds{60}, std::chrono::seconds{300}, Growth::doubling};
  RetryRule concurrency{3, std::chrono::seconds{2}, std::chrono::seconds{6}, Growth::linear};
  RetryRule quota{3, std::chrono::seconds{300}, std::chrono::seconds{3600}, Growth::doubling};
  Duration quota_pause = std::chrono::hours{24};  // After `quota.retries` probes in vain.
  RetryRule server{3, std::chrono::milliseconds{500}, std::chrono::seconds{4}, Growth::doubling};
  std::int32_t jitter_per_mille = 100;  // A wait is shortened by up to this share, at random.

  friend bool operator==(const RetrySettings&, const RetrySettings&) = default;
};

struct BreakerSettings {
  std::int32_t failures = 5;                     // In a row, to open.
  Duration open_for = std::chrono::seconds{30};  // Between probes.
};

struct ModelSettings {
  std::string name;      // As job lines call it; the lane's name.
  std::string provider;  // A key of Config::providers.
  std::string id;        // As the provider calls it.
  ModelKind kind = ModelKind::chat;
  Limits limits;
  Duration timeout = std::chrono::seconds{120};
  std::string params_json = "{}";
  RetrySettings retry;
  bool enabled = true;
};

struct TypeSettings {
  std::string name;
  std::string model;   // Used where a job names none; may be empty.
  std::string system;  // Templates; empty: none.
  std::string prompt;
  std::string params_json = "{}";
};

struct Config {
  std::int32_t workers = 4;
  std::int32_t pace_at_per_mille = 990;  // Share of a short window that is used.
  std::string assets;                    // Folder for files; empty: ratebatch-assets beside the db.
  BreakerSettings breaker;
  std::map<std::string, ProviderSettings> providers;  // Built-in ones included.
  std::map<std::string, ModelSettings> models;
  std::map<std::string, TypeSettings> types;
  RetrySettings retry;  // For models made from "provider/model".
};

// What a model of this id makes, where the configuration does not say: images if the id contains
// "image" or starts with "dall-e" (OpenAI's names), else chat.
ModelKind kind_of_id(std::string_view id);

// Finds the model a job means: a configured name, then a provider's id of a configured model, then
// "provider/id" of any provider (its kind by kind_of_id; no limits of its own). Where no model is
// configured and there is one provider only, a bare id is meant for that one, as in a Batch file
// run without configuration. Fails with invalid_input, naming the nearest configured name, or the
// candidates where an id belongs to several.
Result<ModelSettings> find_model(const Config& config, std::string_view name);

// The same, but also fails where the model is switched off: for whoever is about to use it.
Result<ModelSettings> resolve_model(const Config& config, std::string_view name);

// The model of a job of type `type` that names `model` (either may be empty). Both fail as above,
// or where neither names one.
Result<ModelSettings> find_job_model(const Config& config, std::string_view type,
                                     std::string_view model);
Result<ModelSettings> resolve_job_model(const Config& config, std::string_view type,
                                        std::string_view model);

}  // namespace ratebatch
