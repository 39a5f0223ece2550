#include "store/result_record.hpp"

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/money.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/base/time.hpp"

namespace ratebatch {
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

void write_files(RecordWriter& record, const std::vector<std::string>& files) {
  std::string list;
  for (const std::string& file : files) {
    list += list.empty() ? '[' : ',';
    append_json_string(list, file);
  }
  record.raw("files", list + "]");
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

void write_answer(RecordWriter& record, const AttemptEnd& end) {
  const Outcome& outcome = end.outcome;
  const Answer& answer = *outcome.answer;
  if (!answer.files.empty()) write_files(record, answer.files);
  if (!answer.body_json.empty()) {
    record.raw("body", answer.body_json);
  } else if (answer.files.empty() || !answer.text.empty()) {
    record.text("text", answer.text);
  }
  record.text_if_any("finish_reason", answer.finish_reason);
  write_usage(record, outcome.usage);
  if (end.cost_pico_usd > 0) record.raw("cost_usd", usd_text(end.cost_pico_usd));
}

}  // namespace

std::string result_record(const AttemptEnd& end, const RecordNames& names) {
  const bool done = end.to == JobState::done;
  RB_ASSERT(done ? end.outcome.answer.has_value() : end.to == JobState::failed);
  constexpr std::size_t names_bytes = 320;
  const std::size_t answer_bytes =
      done ? end.outcome.answer->text.size() + end.outcome.answer->body_json.size() : 0;
  RecordWriter record(names_bytes + names.metadata_json.size() + answer_bytes + answer_bytes / 8);
  record.text("id", names.id);
  record.text_if_any("type", names.type);
  record.text("status", to_string(end.to));
  record.text("model", names.model);
  if (done) write_answer(record, end);
  record.number("attempts", static_cast<std::int64_t>(end.attempt));
  record.text("finished_at", format_utc_ms(end.at));
  if (!done) {
    record.open("error");
    record.text("class", to_string(end.outcome.kind));
    record.text("message", end.outcome.message);
    record.close();
  }
  if (names.sandbox) record.raw("sandbox", "true");
  if (!names.metadata_json.empty()) record.raw("metadata", names.metadata_json);
  return record.finish();
}

}  // namespace ratebatch
