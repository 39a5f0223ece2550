#include "input/job_size.hpp"

#include <algorithm>
#include <optional>

namespace ratebatch::input {
namespace {

std::optional<std::int64_t> count_in(json::Value value) {
  const std::int64_t count = json::count_of(value, job_amount_max);
  return count > 0 ? std::optional(count) : std::nullopt;
}

void read_member(std::string_view name, json::Value value, JobSize& size) {
  // Most names are neither; the first letter tells.
  if (name.empty() || (name.front() != 'm' && name.front() != 'n')) return;
  if (name == "n") size.images = count_in(value).value_or(0);
  if (!is_output_max(name)) return;
  const std::optional<std::int64_t> count = count_in(value);
  if (count) size.output_max = std::max(*count, size.output_max.value_or(0));
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
  const auto items = json::as<json::Array>(input);
  if (!items) return bytes;
  for (const json::Value item : *items) {
    if (const auto message = json::as<json::Object>(item)) bytes += content_bytes(*message);
  }
  return bytes;
}

}  // namespace

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
