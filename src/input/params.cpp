// Parameters of jobs, and what they and bodies say of a job's size.
#include "input/params.hpp"

#include <algorithm>
#include <string_view>

namespace ratebatch::input {
namespace {

// Beyond any window that tokens or images are counted in, and small enough to be added up.
constexpr std::int64_t job_amount_max = 1'000'000'000;

void read_member(std::string_view name, json::Value value, JobSize& size) {
  // Most names are neither; the first letter tells.
  if (name.empty() || (name.front() != 'm' && name.front() != 'n')) return;
  const std::int64_t count = json::count_of(value, job_amount_max);
  if (name == "n") size.images = count;
  // The names under which the APIs know the longest answer, in tokens.
  const bool is_output_max =
      name == "max_tokens" || name == "max_completion_tokens" || name == "max_output_tokens";
  if (is_output_max && count > 0) size.output_max = std::max(count, size.output_max.value_or(0));
}

std::int64_t string_bytes(json::Value value) { return std::ssize(json::text_of(value)); }

// A text, or a list of texts and of parts with a text.
std::int64_t text_bytes(json::Value content) {
  const auto parts = json::as<json::Array>(content);
  if (!parts) return string_bytes(content);
  std::int64_t bytes = 0;
  for (const json::Value part : *parts) {
    json::Value text;
    bytes += string_bytes(part);
    if (part["text"].get(text) == simdjson::SUCCESS) bytes += string_bytes(text);
  }
  return bytes;
}

// A text, or a list of texts, parts and messages.
std::int64_t input_bytes(json::Value input) {
  std::int64_t bytes = text_bytes(input);
  for (const json::Value item : json::elements_of(input)) {
    if (const auto message = json::as<json::Object>(item)) bytes += content_bytes(*message);
  }
  return bytes;
}

}  // namespace

std::optional<std::string> problem_of_params(const json::Object& params) {
  json::Value found;
  if (params["stream"].get(found) == simdjson::SUCCESS && !json::is_false(found)) {
    return "'stream' cannot be used: every answer is read whole";
  }
  // Each of these has its own field; beside it, a second one would decide what is asked and paid.
  for (const std::string_view name : {"model", "messages", "prompt"}) {
    if (params[name].get(found) != simdjson::SUCCESS) continue;
    return "'" + std::string(name) + "' is not a parameter; give it as a field of its own";
  }
  return std::nullopt;
}

Json merged_params(const ModelSettings& model, const TypeSettings& type) {
  Json params = json::parse_valid(model.params_json);
  params.update(json::parse_valid(type.params_json));
  return params;
}

void read_size(const json::Object& params, JobSize& size) {
  for (const auto& [name, value] : params) read_member(name, value, size);
}

std::int64_t content_bytes(const json::Object& message) {
  json::Value content;
  return message["content"].get(content) == simdjson::SUCCESS ? text_bytes(content) : 0;
}

JobSize size_of_body(const json::Object& body, std::size_t bytes) {
  JobSize size;
  size.raw_body = true;
  for (const auto& [name, value] : body) {
    read_member(name, value, size);
    if (name == "messages" || name == "prompt" || name == "input") {
      size.input_bytes += input_bytes(value);
    }
  }
  if (size.input_bytes == 0) size.input_bytes = static_cast<std::int64_t>(bytes);
  return size;
}

}  // namespace ratebatch::input
