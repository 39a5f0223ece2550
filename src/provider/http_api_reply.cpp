// What a reply means.
#include <algorithm>
#include <cstdint>
#include <iterator>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "provider/apis.hpp"
#include "provider/asset_bytes.hpp"
#include "provider/error_words.hpp"
#include "provider/reply_frame.hpp"
#include "provider/server_values.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/json/reader.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::provider {
namespace {

// What a pointer points at; nullopt if it is not given, or only null is there.
std::optional<json::Value> find_at(json::Value body, const std::string& pointer) {
  json::Value value;
  if (pointer.empty() || body.at_pointer(pointer).get(value) != simdjson::SUCCESS) {
    return std::nullopt;
  }
  return value.is_null() ? std::nullopt : std::optional(value);
}

// Many APIs fill in their error members even if there is no error.
bool is_told(const std::optional<json::Value>& value) {
  return value && json::holds_something(*value);
}

bool is_error(const HttpApi& api, json::Value body) {
  const bool is_described = !api.error_message.empty() || !api.error_code.empty();
  return is_told(find_at(body, api.error_message)) || is_told(find_at(body, api.error_code)) ||
         (!is_described && is_told(json::find_member(body, "error")));
}

// The words of an error body in any of the forms there are, but where the description knows better.
ErrorWords words_of(const HttpApi& api, json::Value body) {
  ErrorWords words = error_words(body);
  const auto message = find_at(body, api.error_message);
  if (is_told(message)) words.message = json::as_text(*message);
  const auto code = find_at(body, api.error_code);
  if (!is_told(code)) return words;
  words.code = json::as_text(*code);
  words.status = status_in_code(header_count(words.code).value_or(0));
  return words;
}

bool is_file_kind(ModelKind kind) { return kind == ModelKind::image || kind == ModelKind::speech; }

// What a description of the API promises, and this reply has not.
Outcome read_without_result(const HttpApi& api, json::Value body, bool was_cut) {
  if (was_cut) return cut_before_first_word();
  json::Value value;
  const bool is_of_form = body.at_pointer(api.result).get(value) == simdjson::SUCCESS;
  const std::string words = words_of(api, body).message;
  const std::string message =
      "the reply has nothing at " + api.result + (words.empty() ? "" : ", but says: " + words);
  return is_of_form ? failed(OutcomeClass::bad_reply, message) : unreadable(message);
}

bool is_link(std::string_view text) {
  return text.starts_with("https://") || text.starts_with("http://");
}

// What was found where the files should be.
struct Found {
  bool broken = false;
  bool behind_http = false;
};

// Adds the file of the reply that the value is, or the link to one.
void add_file(json::Value value, const HttpReply& reply, Answer& answer, Found& found) {
  const std::string_view text = json::text_of(value);
  if (is_link(text)) {
    if (!add_link(text, answer)) found.behind_http = true;
  } else if (!add_asset(text, reply, answer)) {
    found.broken = true;
  }
}

Outcome read_files(json::Value value, const HttpReply& reply) {
  Answer answer;
  Found found;
  if (!value.is_array()) add_file(value, reply, answer, found);
  // One of several that is missing does not cost those that came.
  for (const json::Value item : json::elements_of(value)) {
    if (!item.is_null()) add_file(item, reply, answer, found);
  }
  if (found.broken) {
    return failed(OutcomeClass::bad_reply,
                  "the result holds something that is neither base64 nor an https link");
  }
  if (answer.assets.empty() && answer.links.empty()) {
    return found.behind_http ? only_http_links()
                             : failed(OutcomeClass::bad_reply, "the result holds no file");
  }
  return answered(std::move(answer));
}

Outcome read_text(std::string text, bool was_cut) {
  if (trimmed(text).empty()) {
    return was_cut ? cut_before_first_word() : empty_answer();
  }
  Answer answer;
  answer.text = std::move(text);
  return answered(std::move(answer));
}

Outcome read_result(const HttpApi& api, const HttpReply& reply, json::Value body, ModelKind kind,
                    bool was_cut) {
  const bool is_body = api.result.empty();
  const std::optional<json::Value> value =
      is_body ? std::optional(body) : find_at(body, api.result);
  if (!value) return read_without_result(api, body, was_cut);
  if (is_file_kind(kind)) {
    return is_body ? unreadable("the reply is JSON instead of a file: " + reply.body)
                   : read_files(*value, reply);
  }
  const bool is_structure = value->is_object() || value->is_array();
  if (kind == ModelKind::embedding || (is_body && is_structure)) {
    Answer answer;
    answer.body_json = is_body ? json::on_one_line(reply.body) : json::written(*value);
    return answered(std::move(answer));
  }
  return read_text(json::as_text(*value), was_cut);
}

std::int64_t count_at(json::Value body, const std::string& pointer) {
  return json::count_of(find_at(body, pointer), usage_max);
}

void count_images(ModelKind kind, Outcome& outcome) {
  if (kind != ModelKind::image || !outcome.answer) return;
  outcome.usage.images =
      static_cast<std::int64_t>(outcome.answer->assets.size() + outcome.answer->links.size());
}

// Keeps the reply's body, and all its files first: by their index the body names them.
void keep_body(const HttpReply& reply, Answer& answer) {
  answer.body_json = json::on_one_line(reply.body);
  std::vector<Asset> decoded = std::exchange(answer.assets, {});
  std::erase_if(decoded, [](const Asset& asset) { return !asset.path.empty(); });
  add_reply_files(reply, answer);
  std::move(decoded.begin(), decoded.end(), std::back_inserter(answer.assets));
}

Outcome read_described_body(const HttpApi& api, const Reply& reply, json::Value body,
                            const AskedFor& asked) {
  const auto finish = find_at(body, api.finish_reason);
  const std::string reason = finish ? json::as_text(*finish) : std::string();
  const bool was_cut = reason == "length" || reason == "max_tokens" || reason == "MAX_TOKENS";
  Outcome outcome = is_error(api, body) ? read_error(reply.http, reply.headers, words_of(api, body))
                                        : read_result(api, reply.http, body, asked.kind, was_cut);
  outcome.usage.input_tokens = count_at(body, api.input_tokens);
  outcome.usage.output_tokens = count_at(body, api.output_tokens);
  outcome.usage.characters = count_at(body, api.characters);
  if (!outcome.answer) return outcome;
  count_images(asked.kind, outcome);
  outcome.answer->finish_reason = reason;
  outcome.answer->truncated = was_cut;
  if (asked.raw_body) keep_body(reply.http, *outcome.answer);
  return outcome;
}

// A body that need not be JSON, and is none.
Outcome read_plain_body(const HttpReply& reply, ModelKind kind) {
  const std::string type = lower_case(reply.header("content-type"));
  // A page comes from a proxy or a login, most likely.
  const std::string start = lower_case(trimmed(reply.body).substr(0, 16));
  const bool is_page = type.starts_with("text/html") || start.starts_with("<!doctype html") ||
                       start.starts_with("<html");
  const bool is_cut_json = type.find("json") != std::string::npos;
  const bool is_file = is_file_kind(kind) && !type.starts_with("text/");
  if (is_page || is_cut_json || kind == ModelKind::embedding || (is_file_kind(kind) && !is_file)) {
    return unreadable_body(reply.body);
  }
  if (is_file && is_text_as_file(reply)) return text_instead_of_file(reply);
  if (is_file) return read_body_file(reply, "the reply is empty");
  return read_text(with_utf8_repaired(reply.body), false);
}

Outcome read_success(const HttpApi& api, const Reply& reply, const AskedFor& asked) {
  const std::string type = lower_case(reply.http.header("content-type"));
  const bool is_file = is_file_kind(asked.kind) && api.result.empty() &&
                       (!reply.http.files.empty() || type.find("json") == std::string::npos);
  json::Parser parser;
  const auto body = is_file ? std::nullopt : parser.parse_lenient(reply.http.body);
  if (body) return read_described_body(api, reply, *body, asked);
  if (!api.result.empty()) return unreadable_body(reply.http.body);
  Outcome outcome = read_plain_body(reply.http, asked.kind);
  count_images(asked.kind, outcome);
  return outcome;
}

}  // namespace

Outcome read_described(const HttpReply& reply, const Endpoint& endpoint, const AskedFor& asked) {
  RB_ASSERT(endpoint.http.has_value());
  const HttpApi& api = *endpoint.http;
  return read_framed(
      reply, [&](const Reply& success) { return read_success(api, success, asked); },
      [&](json::Value body) { return words_of(api, body); });
}

}  // namespace ratebatch::provider
