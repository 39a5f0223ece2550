#include "store/result_writer.hpp"

#include <utility>

#include "ratebatch/base/assert.hpp"
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
    if (!json.empty()) separate();
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
    separate();
    json_.append(1, '"').append(name).append("\":");
  }
  void separate() {
    if (!is_first_) json_ += ',';
    is_first_ = false;
  }

  std::string json_ = "{";
  bool is_first_ = true;
};

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

std::size_t content_bytes(const AttemptEnd& end) {
  if (!end.outcome.answer) return 0;
  const std::size_t bytes = end.outcome.answer->text.size() + end.outcome.answer->body_json.size();
  return bytes + bytes / 8;
}

// A record of an AttemptEnd or FetchEnd, with what `write_answer` writes of the answer.
template <typename End, typename WriteAnswer>
std::string record_of(const End& end, const RecordNames& names, std::size_t answer_bytes,
                      WriteAnswer write_answer) {
  RB_ASSERT(end.to == JobState::done || end.to == JobState::failed);
  constexpr std::size_t names_bytes = 320;
  RecordWriter record(names_bytes + names.metadata_json.size() + answer_bytes);
  record.text("id", names.id);
  record.text_if_any("type", names.type);
  record.text("status", to_string(end.to));
  record.text("model", names.model);
  write_answer(record);
  record.number("attempts", static_cast<std::int64_t>(end.attempt));
  record.text("finished_at", format_utc_ms(end.at));
  if (end.to == JobState::failed) {
    record.open("error");
    record.text("class", to_string(end.outcome.kind));
    record.text("message", end.outcome.message);
    record.close();
  }
  if (names.sandbox) record.raw("sandbox", "true");
  if (!names.metadata_json.empty()) record.raw("metadata", names.metadata_json);
  return record.finish();
}

}  // namespace

RecordNames RunRows::names(RouteId route, std::string_view id, std::string_view model,
                           std::string_view metadata_json) const {
  const auto type = types.find(route);
  return {.id = id,
          .type = type == types.end() ? std::string_view{} : type->second,
          .model = model,
          .metadata_json = metadata_json,
          .sandbox = sandbox};
}

std::string result_record(const AttemptEnd& end, const RecordNames& names) {
  const auto& answer = end.outcome.answer;
  RB_ASSERT(end.to != JobState::done || answer.has_value());
  return record_of(end, names, content_bytes(end), [&](RecordWriter& record) {
    if (!answer) return;
    if (!answer->files.empty()) record.raw("files", with_strings("[]", answer->files));
    write_content(record, end, !answer->files.empty());
  });
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
  return record_of(end, names, content.size(), [&](RecordWriter& record) {
    if (end.to == JobState::done) {
      record.raw("files", with_strings(std::move(files_json), end.outcome.files));
    }
    record.fields(content);
  });
}

std::string with_strings(std::string list, const std::vector<std::string>& strings) {
  list.pop_back();
  for (const std::string& text : strings) {
    if (list.size() > 1) list += ',';
    append_json_string(list, text);
  }
  return list + ']';
}

std::string metadata_of(const Statement& row, int column) {
  const std::string_view line = row.text_view(column);
  const auto at = static_cast<std::size_t>(row.integer(column + 1));
  RB_ASSERT(at <= line.size());
  return std::string(line.substr(at, static_cast<std::size_t>(row.integer(column + 2))));
}

Result<std::int64_t> ResultWriter::next_id() {
  if (last_id_ == 0) {
    RB_TRY(last, connection_.integer("read results", "SELECT coalesce(max(id), 0) FROM results"));
    last_id_ = *last;
  }
  return ++last_id_;
}

Result<void> ResultWriter::write_answer(const Key& key, const OldResult& old,
                                        std::optional<std::int64_t> recipe,
                                        const std::string& record) {
  if (old.exists) {
    RB_TRY(dropped, drop_answer_.run(key.job));
  }
  RB_TRY(id, next_id());
  RB_TRY(added, add_answer_.run(*id, key.job, key.attempt, recipe, key.finished_ms, key.latency_ms,
                                record));
  if (old.recipe) ledger_.add_recipe_results(*old.recipe, -1);
  if (recipe) ledger_.add_recipe_results(*recipe, 1);
  return {};
}

Result<void> ResultWriter::write_failure(const Key& key, const std::string& failure) {
  RB_TRY(id, next_id());
  RB_TRY(turned,
         turn_to_failure_.run(*id, key.job, key.attempt, key.finished_ms, key.latency_ms, failure));
  if (connection_.changes() == 1) return {};
  return add_failure_.run(*id, key.job, key.attempt, key.finished_ms, key.latency_ms, failure);
}

Result<void> ResultWriter::forget_failure(JobSeq job) {
  const auto count_out = [&](const Statement& row) { ledger_.add_failures(row.text(0), -1); };
  RB_TRY(counted, find_failure_.rows(count_out, job));
  RB_TRY(dropped, drop_failure_.run(job));
  return keep_answer_.run(job);
}

}  // namespace ratebatch::store
