#include "ratebatch/run/results.hpp"

#include <nlohmann/json.hpp>

#include "ratebatch/base/time.hpp"
#include "ratebatch/run/output_file.hpp"

namespace ratebatch {
namespace {

using Json = nlohmann::ordered_json;

// The stored texts were checked on their way in; one that still cannot be read is shown as text
// rather than lost.
Json parsed(const std::string& text) {
  Json value = Json::parse(text, nullptr, /*allow_exceptions=*/false);
  return value.is_discarded() ? Json(text) : value;
}

void add_answer(Json& line, const ResultRow& row) {
  if (!row.files.empty()) line["files"] = row.files;
  if (!row.body_json.empty()) {
    line["body"] = parsed(row.body_json);
  } else if (row.files.empty() || !row.text.empty()) {
    line["text"] = row.text;
  }
  if (!row.finish_reason.empty()) line["finish_reason"] = row.finish_reason;
  Json usage;
  if (row.usage.input_tokens > 0) usage["input_tokens"] = row.usage.input_tokens;
  if (row.usage.output_tokens > 0) usage["output_tokens"] = row.usage.output_tokens;
  if (row.usage.images > 0) usage["images"] = row.usage.images;
  if (!usage.is_null()) line["usage"] = std::move(usage);
}

}  // namespace

std::string result_line(const ResultRow& row, bool sandbox) {
  Json line;
  line["id"] = row.id;
  if (!row.type.empty()) line["type"] = row.type;
  line["status"] = to_string(row.state);
  line["model"] = row.lane_model;
  if (row.state == JobState::done) add_answer(line, row);
  line["attempts"] = row.attempts;
  line["finished_at"] = format_utc_ms(row.finished_at);
  const Json job = parsed(row.line_json);
  if (job.is_object() && job.contains("metadata")) line["metadata"] = job["metadata"];
  if (row.state == JobState::failed) {
    line["error"] = {{"class", row.error_class}, {"message", row.error_message}};
  }
  if (sandbox) line["sandbox"] = true;
  // A provider's words may not be UTF-8; a result line always is.
  return line.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Result<std::int64_t> write_results(CheckpointReader& reader, ResultOrder order, bool sandbox,
                                   const LineSink& sink) {
  std::int64_t count = 0;
  auto all = reader.for_each_result(order, 0, [&](const ResultRow& row) {
    ++count;
    return sink(result_line(row, sandbox) + "\n");
  });
  if (!all) return pass(all);
  return count;
}

Result<std::int64_t> write_results_file(CheckpointReader& reader, ResultOrder order, bool sandbox,
                                        const std::string& path) {
  auto file = OutputFile::create(path);
  if (!file) return pass(file);
  auto count = write_results(reader, order, sandbox,
                             [&](std::string_view line) { return file->write(line); });
  if (!count) return count;
  auto visible = file->commit();
  if (!visible) return pass(visible);
  return count;
}

}  // namespace ratebatch
