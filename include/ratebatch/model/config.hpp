// The configuration as plain data: what ratebatch.yaml says, with every default filled in.
//
// Read by input/config_file; nothing here touches a file or an environment variable. JSON appears
// as text, because only dialects look inside it.
#pragma once

#include <array>
#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/limit.hpp"

namespace ratebatch::inline model {

// Where a key comes from; never the key itself. Keys are known by `name` in every output.
struct KeySource {
  enum class From : std::uint8_t {
    environment,
    file,
    none,  // The server asks for no key: none is sent.
  };
  From from = From::environment;
  std::string name;     // The variable's name (or a glob of them), or the file's path.
  std::string group{};  // Keys of one group share a quota; empty: as KeyScope says.
};

// Which quota keys without a group have.
enum class KeyScope : std::uint8_t {
  shared,    // One for all of them: the group "default".
  separate,  // Each its own: a group named after the key.
};

// How a provider counts a request against `tokens` and `output_tokens` when it admits it; what the
// answer used corrects it. Sources: OpenAI rate limit guide (the larger of max_tokens and the
// estimate), Anthropic (output as it is produced), Gemini (input tokens only).
enum class TokenRule : std::uint8_t {
  total,       // Input and output, as far as they can be foreseen.
  larger_of,   // The larger of max_tokens and the estimate of the text.
  input_only,  // Tokens mean input tokens.
};

// In pico-USD (1e-12): a price per million tokens of 0.15 USD is 150,000 per token.
struct Price {
  std::int64_t input_token = 0;
  std::int64_t output_token = 0;
  std::int64_t image = 0;
  std::int64_t character = 0;

  friend bool operator==(const Price&, const Price&) = default;
};
constexpr std::int64_t pico_usd_per_usd = 1'000'000'000'000;

// How to speak to an API that no dialect of our own knows: its user describes it in the
// configuration.
//
// Templates are those of base/template_text.hpp: {{name}}, {{name|default}} and {{name?}}. Names
// are `prompt`, `system`, `model` (the provider's id of it), `id` (the job's), `messages` (the
// job's, else made of system text and prompt), of the one file of the job `file` (its base64),
// `file_type` ("audio/mpeg") and `file_name`; and of parameters, over which the first ones win.
// Whatever a job has that no template names is an error: it would be lost.
// Pointers are JSON pointers (RFC 6901) into the reply; an empty one is not given.
struct HttpApi {
  std::string method = "POST";
  // Template behind base_url, from its '/' or '?'. Values are percent-encoded, but for the slashes
  // of a model.
  std::string path;
  // Names, and templates of values; those that come out empty are not sent.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body_json;  // A JSON value whose strings are templates; empty: no body. A string that
                          // is one placeholder becomes the value itself, of whatever JSON type, and
                          // its member or element is left out where there is none.
  std::string key_header = "Authorization";  // Its name; there is always one.
  std::string key_prefix = "Bearer ";
  // Where the result is found. For image and speech: base64, a data URL or a link, or an array of
  // them; empty: the reply's body is the file. For embedding: what is kept of the reply; empty: all
  // of it. For other kinds: a text, or the JSON text of any other value; empty: the reply's
  // body, which need not be JSON then.
  std::string result;
  std::string finish_reason;  // "length", "max_tokens" and "MAX_TOKENS" mean that it was cut.
  std::string input_tokens;
  std::string output_tokens;
  std::string characters;
  // Of an error, in replies of any status. In a 2xx, whatever they point at is an error but for
  // null, false, 0, "", [] and {}; where neither is given, a member `error` is taken for one.
  std::string error_message;
  std::string error_code;

  friend bool operator==(const HttpApi&, const HttpApi&) = default;
};

// Why a job may go to another model.
struct FallbackCauses {
  bool tripped = false;  // The breaker is open.
  bool no_key = false;   // No usable key is left.
  bool pause = false;    // A long limit is used up.

  friend bool operator==(const FallbackCauses&, const FallbackCauses&) = default;
};

struct ProviderSettings {
  std::string name;
  std::string api = "openai";  // The dialect.
  std::string base_url;        // With scheme, without trailing slash.
  std::vector<KeySource> keys;
  KeyScope key_scope = KeyScope::shared;
  Limits limits;  // Over all lanes of a key group.
  bool allow_http = false;
  std::string ca_file;
  std::optional<HttpApi> http;  // Of the dialect `http`, and only there.
  // Built in, not openai, and not in the file: only who names it means it.
  bool assumed = false;
};

// What is asked of a model, and what comes back.
enum class ModelKind : std::uint8_t {
  chat,           // Messages in, a text out.
  responses,      // The same by OpenAI's Responses API.
  image,          // A prompt in, pictures out.
  speech,         // A text in, audio out.
  transcription,  // Audio in, a text out.
  embedding,      // A text in, numbers out: the result is the reply's body.
  raw,            // Any other path that a raw body names: likewise. Not for configurations.
};
constexpr std::size_t model_kind_count = 7;

constexpr std::string_view to_string(ModelKind kind) {
  constexpr std::array<std::string_view, model_kind_count> names = {
      "chat", "responses", "image", "speech", "transcription", "embedding", "raw"};
  return names[static_cast<std::size_t>(kind)];
}

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
  std::string tier = "auto";  // A row of the built-in table; "auto": limits not stated are learned.
  Limits limits;              // Those of the tier, replaced by name by those stated.
  std::optional<Waves> waves;
  std::optional<Price> price;
  std::vector<std::string> fallback_to;  // Models, best first.
  FallbackCauses fallback_on;
  Duration timeout = std::chrono::seconds{120};
  std::string params_json = "{}";
  std::optional<HttpApi> http;  // Of the dialect `http`: its own, else the provider's.
  RetrySettings retry;
  bool enabled = true;
};

// What an answer must be to count as one; see provider/accept.hpp.
struct AcceptRules {
  std::vector<std::string> finish_reasons;  // One of these, as the provider says it; empty: any.
  std::int64_t chars_min = 0;               // Of the text, in Unicode code points, blanks around
  std::optional<std::int64_t> chars_max;    // it not counted.
  std::vector<std::string> contains;        // Each of these, byte by byte.
  std::vector<std::string> lacks;           // None of these.
  bool json = false;                        // The text is one JSON value.

  friend bool operator==(const AcceptRules&, const AcceptRules&) = default;
};

struct TypeSettings {
  std::string name;
  std::string model;   // Used where a job names none; may be empty.
  std::string system;  // Templates; empty: none.
  std::string prompt;
  std::string params_json = "{}";
  AcceptRules accept;
};

struct Config {
  std::int32_t workers = 4;
  std::int32_t workers_max = 16;          // Upper end of --workers auto.
  std::int32_t pace_at_per_mille = 990;   // Share of a short window that is used.
  std::int32_t pause_at_per_mille = 800;  // Share of a long window at which a key group pauses.
  std::int32_t slow_at_per_mille = 950;   // Share by the server's count from which a key slows.
  std::int32_t warn_at_per_mille = 900;   // Share of the usable long window that is critical.
  std::int32_t log_usage_every = 100;     // Requests between two quota_usage events.
  std::string assets;  // Folder for files; empty: ratebatch-assets beside the db.
  BreakerSettings breaker;
  std::map<std::string, ProviderSettings> providers;  // Built-in ones included.
  std::map<std::string, ModelSettings> models;
  std::map<std::string, TypeSettings> types;
  RetrySettings retry;  // For models made from "provider/model".
};

// What a model of this id makes, where the configuration does not say: by the names that its
// providers give their models (the table stands in config.cpp), else chat.
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

}  // namespace ratebatch::inline model
