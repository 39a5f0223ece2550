#include "store/result_record.hpp"

#include <optional>
#include <utility>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/money.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/base/time.hpp"

namespace ratebatch::store {
namespace {

// Writes one object, field after field.
class RecordWriter {
 public:
  explicit RecordWriter(std::size_t bytes_expected) { json_.reserve(bytes_expected); }

  void text(std::string_view name, std::string_view value) {
    key(name);
    append_json_string(json_, value);
  }
  void text_if_any(std::string_view name, std::string_view value) {
    if (!value.empty()) text(name, value);
  }
  void number(std::string_view name, std::int64_t value) { raw(name, std::to_string(value)); }
  void raw(std::string_view name, std::string_view json) {
    key(name);
    json_ += json;
  }
  // Fields that are written already; may be none.
  void fields(std::string_view json) {
    if (json.empty()) return;
    if (!is_first_) json_ += ',';
    is_first_ = false;
    json_ += json;
  }
  void open(std::string_view name) {
    key(name);
    is_first_ = true;
    json_ += '{';
  }
  void close() {
    json_ += '}';
    is_first_ = false;
  }
  std::string finish() {
    json_ += '}';
    return std::move(json_);
  }

 private:
  void key(std::string_view name) {
    if (!is_first_) json_ += ',';
    is_first_ = false;
    json_.append(1, '"').append(name).append("\":");
  }

  std::string json_ = "{";
  bool is_first_ = true;
};

// Adds files to a JSON array of them.
std::string with_files(std::string list, const std::vector<std::string>& files) {
  list.pop_back();
  for (const std::string& file : files) {
    if (list.size() > 1) list += ',';
    append_json_string(list, file);
  }
  return list + ']';
}

void write_usage(RecordWriter& record, const Usage& usage) {
  if (usage == Usage{}) return;
  record.open("usage");
  if (usage.input_tokens > 0) record.number("input_tokens", usage.input_tokens);
  if (usage.output_tokens > 0) record.number("output_tokens", usage.output_tokens);
  if (usage.images > 0) record.number("images", usage.images);
  if (usage.characters > 0) record.number("characters", usage.characters);
  record.close();
}

void write_content(RecordWriter& record, const AttemptEnd& end, bool has_files) {
  const Outcome& outcome = end.outcome;
  const Answer& answer = *outcome.answer;
  if (!answer.body_json.empty()) {
    record.raw("body", answer.body_json);
  } else if (!has_files || !answer.text.empty()) {
    record.text("text", answer.text);
  }
  record.text_if_any("finish_reason", answer.finish_reason);
  write_usage(record, outcome.usage);
  if (end.cost_pico_usd > 0) record.raw("cost_usd", usd_text(end.cost_pico_usd));
}

void write_beginning(RecordWriter& record, const RecordNames& names, JobState state) {
  record.text("id", names.id);
  record.text_if_any("type", names.type);
  record.text("status", to_string(state));
  record.text("model", names.model);
}

struct Failure {
  OutcomeClass kind{};
  std::string_view message;
};

void write_end(RecordWriter& record, const RecordNames& names, AttemptNumber attempt, WallTime at,
               const std::optional<Failure>& failure) {
  record.number("attempts", static_cast<std::int64_t>(attempt));
  record.text("finished_at", format_utc_ms(at));
  if (failure) {
    record.open("error");
    record.text("class", to_string(failure->kind));
    record.text("message", failure->message);
    record.close();
  }
  if (names.sandbox) record.raw("sandbox", "true");
  if (!names.metadata_json.empty()) record.raw("metadata", names.metadata_json);
}

constexpr std::size_t names_bytes = 320;

std::size_t content_bytes(const AttemptEnd& end) {
  if (!end.outcome.answer) return 0;
  const std::size_t bytes = end.outcome.answer->text.size() + end.outcome.answer->body_json.size();
  return bytes + bytes / 8;
}

}  // namespace

std::string result_record(const AttemptEnd& end, const RecordNames& names) {
  const bool done = end.to == JobState::done;
  const auto& answer = end.outcome.answer;
  RB_ASSERT(done ? answer.has_value() : end.to == JobState::failed);
  RecordWriter record(names_bytes + names.metadata_json.size() + content_bytes(end));
  write_beginning(record, names, end.to);
  if (answer && !answer->files.empty()) record.raw("files", with_files("[]", answer->files));
  if (answer) write_content(record, end, !answer->files.empty());
  std::optional<Failure> failure;
  if (!done) failure = {end.outcome.kind, end.outcome.message};
  write_end(record, names, end.attempt, end.at, failure);
  return record.finish();
}

std::string answer_content(const AttemptEnd& end) {
  RB_ASSERT(end.outcome.answer.has_value());
  RecordWriter record(content_bytes(end));
  write_content(record, end, true);
  const std::string json = record.finish();
  return json.substr(1, json.size() - 2);
}

std::string fetched_record(const FetchEnd& end, const RecordNames& names, std::string files_json,
                           std::string_view content) {
  const bool done = end.to == JobState::done;
  RB_ASSERT(done || end.to == JobState::failed);
  RecordWriter record(names_bytes + names.metadata_json.size() + content.size());
  write_beginning(record, names, end.to);
  if (done) record.raw("files", with_files(std::move(files_json), end.outcome.files));
  record.fields(content);
  std::optional<Failure> failure;
  if (!done) failure = {end.outcome.kind, end.outcome.message};
  write_end(record, names, end.attempt, end.at, failure);
  return record.finish();
}

}  // namespace ratebatch::store
