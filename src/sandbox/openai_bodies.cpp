#include "sandbox/openai_bodies.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>

#include "sandbox/picture.hpp"
#include "sandbox/prose.hpp"

namespace ratebatch::sandbox {
namespace {

using Json = nlohmann::json;

// Bytes that are not UTF-8 (a path, a client's id) are replaced: the writer would throw.
std::string written(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Looks at brackets only, so that the parser never sees a document that is too deep.
bool is_too_deep(std::string_view text) {
  std::size_t depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '{' || c == '[') {
      if (++depth > json_depth_max) return true;
    } else if ((c == '}' || c == ']') && depth > 0) {
      --depth;
    }
  }
  return false;
}

tl::unexpected<ApiError> refuse(std::string message, std::string param = "",
                                std::string code = "") {
  return tl::unexpected<ApiError>(
      ApiError{.message = std::move(message), .code = std::move(code), .param = std::move(param)});
}

tl::unexpected<ApiError> missing(const std::string& param) {
  return refuse(fmt::format("Missing required parameter: '{}'.", param), param,
                "missing_required_parameter");
}

// The text of a message: a string, or a list of parts of which those of type text count.
std::string text_of(const Json& content) {
  if (content.is_string()) return content.get<std::string>();
  std::string text;
  if (!content.is_array()) return text;
  for (const Json& part : content) {
    const bool has_text = part.is_object() && part.contains("text") && part["text"].is_string();
    if (has_text) text += part["text"].get<std::string>();
  }
  return text;
}

// Reads `messages` into `asked`; says what is wrong with them, if anything is.
std::optional<std::string> read_messages(const Json& messages, Generation& asked) {
  for (const Json& message : messages) {
    const bool good = message.is_object() && message.contains("role") &&
                      message["role"].is_string() && message.contains("content");
    if (!good) return "Invalid value for 'messages': each one needs a 'role' and a 'content'.";
    const std::string text = text_of(message["content"]);
    asked.input_characters += character_count(text);
    if (message["role"] != "user") continue;
    if (!asked.prompt.empty()) asked.prompt += '\n';
    asked.prompt += text;
  }
  return std::nullopt;
}

tl::expected<Generation, ApiError> read_chat(const Json& json, Generation asked) {
  const auto messages = json.find("messages");
  if (messages == json.end()) return missing("messages");
  if (!messages->is_array() || messages->empty()) {
    return refuse("Invalid 'messages': expected a list of at least one message.", "messages");
  }
  if (const auto wrong = read_messages(*messages, asked)) return refuse(*wrong, "messages");
  if (const auto stream = json.find("stream"); stream != json.end() && *stream != false) {
    return refuse("The sandbox does not stream: leave 'stream' out.", "stream");
  }
  for (const char* name : {"max_tokens", "max_completion_tokens"}) {
    const auto found = json.find(name);
    if (found == json.end() || found->is_null()) continue;
    // Converted only as an integer: a larger unsigned one comes out negative, and is refused too.
    const std::int64_t tokens = found->is_number_integer() ? found->get<std::int64_t>() : 0;
    if (tokens < 1) return refuse(fmt::format("Invalid '{}': expected at least 1.", name), name);
    asked.tokens_max = tokens;
  }
  return asked;
}

tl::expected<Generation, ApiError> read_image(const Json& json, Generation asked) {
  const auto prompt = json.find("prompt");
  if (prompt == json.end()) return missing("prompt");
  if (!prompt->is_string()) return refuse("Invalid 'prompt': expected a text.", "prompt");
  asked.prompt = prompt->get<std::string>();
  asked.input_characters = character_count(asked.prompt);
  if (const auto size = json.find("size"); size != json.end() && size->is_string()) {
    asked.size = size->get<std::string>();
  }
  if (const auto n = json.find("n"); n != json.end() && !n->is_null()) {
    const std::int64_t pictures = n->is_number_integer() ? n->get<std::int64_t>() : 0;
    if (pictures < 1 || pictures > pictures_max) {
      return refuse(fmt::format("Invalid 'n': expected 1 to {}.", pictures_max), "n");
    }
    asked.pictures = pictures;
  }
  return asked;
}

std::int64_t used(const Amounts& use, Resource resource) { return use[index_of(resource)]; }

Json counts_of(const SandboxCounts& stats) {
  return {{"granted", stats.granted},
          {"refused", stats.refused},
          {"in_flight", stats.in_flight},
          {"in_flight_max", stats.in_flight_max},
          {"tokens", stats.tokens}};
}

}  // namespace

tl::expected<Generation, ApiError> read_generation(Generation::Kind kind, std::string_view body) {
  if (is_too_deep(body)) {
    return refuse(fmt::format("The JSON body is nested deeper than {} levels.", json_depth_max));
  }
  const Json json = Json::parse(body, nullptr, false);
  if (!json.is_object()) return refuse("We could not parse the JSON body of your request.");
  const auto model = json.find("model");
  if (model == json.end() || !model->is_string() || model->get<std::string>().empty()) {
    return refuse("you must provide a model parameter", "model");
  }
  Generation asked{.kind = kind, .model = model->get<std::string>()};
  if (asked.model.size() > model_name_bytes_max) return refuse("The model name is too long.");
  switch (kind) {
    case Generation::Kind::chat:
      return read_chat(json, std::move(asked));
    case Generation::Kind::image:
      return read_image(json, std::move(asked));
  }
  return asked;
}

std::string error_body(const ApiError& error) {
  const auto text_or_null = [](const std::string& text) {
    return text.empty() ? Json() : Json(text);
  };
  return written({{"error",
                   {{"message", error.message},
                    {"type", error.type},
                    {"param", text_or_null(error.param)},
                    {"code", text_or_null(error.code)}}}});
}

std::string chat_body(const Generation& asked, const AnswerMark& mark, std::uint64_t seed) {
  const std::string full = answer_text(seed, asked.prompt);
  const std::int64_t tokens_of_all = token_count(character_count(full));
  // As use_of has it; the text, which is the dear part, is made but once here.
  const std::int64_t tokens = std::min(tokens_of_all, asked.tokens_max.value_or(tokens_of_all));
  const std::int64_t input = token_count(asked.input_characters);
  const Json message = {{"role", "assistant"},
                        {"content", std::string(first_tokens(full, tokens))},
                        {"refusal", nullptr}};
  return written(
      {{"id", "chatcmpl-" + mark.id},
       {"object", "chat.completion"},
       {"created", mark.created.ns / 1'000'000'000},
       {"model", asked.model},
       {"choices", Json::array({{{"index", 0},
                                 {"message", message},
                                 {"logprobs", nullptr},
                                 {"finish_reason", tokens < tokens_of_all ? "length" : "stop"}}})},
       {"usage",
        {{"prompt_tokens", input},
         {"completion_tokens", tokens},
         {"total_tokens", input + tokens},
         {"prompt_tokens_details", {{"cached_tokens", 0}}},
         {"completion_tokens_details", {{"reasoning_tokens", 0}}}}},
       {"system_fingerprint", "fp_sandbox"}});
}

std::string image_body(const Generation& asked, const AnswerMark& mark, std::uint64_t seed,
                       std::int64_t image_bytes) {
  const Amounts use = use_of(asked, seed);
  const std::int64_t input = used(use, Resource::input_tokens);
  Json pictures = Json::array();
  for (std::int64_t i = 0; i < asked.pictures; ++i) {
    const std::uint64_t number = mixed(seed + static_cast<std::uint64_t>(i), asked.prompt);
    pictures.push_back({{"b64_json", base64(picture_png(number, image_bytes))}});
  }
  return written({{"created", mark.created.ns / 1'000'000'000},
                  {"data", std::move(pictures)},
                  {"background", "opaque"},
                  {"output_format", "png"},
                  {"size", asked.size},
                  {"quality", "low"},
                  {"usage",
                   {{"total_tokens", used(use, Resource::tokens)},
                    {"input_tokens", input},
                    {"output_tokens", used(use, Resource::output_tokens)},
                    {"input_tokens_details", {{"text_tokens", input}, {"image_tokens", 0}}}}}});
}

std::string models_body(const SandboxOptions& options) {
  Json list = Json::array();
  for (const auto& [model, limits] : options.models) {
    list.push_back({{"id", model}, {"object", "model"}, {"created", 0}, {"owned_by", "sandbox"}});
  }
  return written({{"object", "list"}, {"data", std::move(list)}});
}

std::string stats_body(const SandboxStats& stats) {
  Json json = counts_of(stats.total);
  json["charged"] = stats.charged;
  json["abandoned"] = stats.abandoned;
  json["invalid"] = stats.invalid;
  json["outage"] = stats.outage;
  json["granted_60s_max"] = stats.granted_60s_max;
  json["refused_by"] = stats.refused_by;
  json["models"] = Json::object();
  for (const auto& [model, counts] : stats.models) json["models"][model] = counts_of(counts);
  json["keys"] = Json::object();
  for (const auto& [key, counts] : stats.keys) json["keys"][key] = counts_of(counts);
  json["faults"] = {{"error", stats.faults.error},
                    {"reset", stats.faults.reset},
                    {"truncate", stats.faults.truncate},
                    {"hang", stats.faults.hang},
                    {"garbage", stats.faults.garbage}};
  json["bill"] = stats.bill;
  json["bill_dropped"] = stats.bill_dropped;
  return written(json);
}

}  // namespace ratebatch::sandbox
