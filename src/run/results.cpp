#include "ratebatch/run/results.hpp"

#include <fmt/format.h>

#include <fstream>
#include <optional>
#include <sstream>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/base64.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/json/writer.hpp"
#include "ratebatch/run/output_file.hpp"

namespace ratebatch::run {
namespace {

using Json = json::OrderedJson;

std::string line_of(const Json& json) { return json::written(json) + "\n"; }

std::string text_at(const Json& json, const char* name) {
  const auto found = json.find(name);
  return found != json.end() && found->is_string() ? found->get<std::string>() : std::string{};
}

Result<std::string> encoded_file(const std::string& path, const std::string& id) {
  std::ifstream file(path, std::ios::binary);
  std::ostringstream bytes;
  if (file) bytes << file.rdbuf();
  if (!file || !bytes) {
    return fail(ErrorCode::io,
                fmt::format("cannot read {}, a file of job {}; write the results where the run "
                            "wrote its files, or use --format jsonl, which only names them",
                            escaped(path), escaped(id)));
  }
  return encode_base64(bytes.view());
}

// The index N of "file:N"; nullopt for anything else.
std::optional<std::size_t> file_index(const Json& value) {
  constexpr std::string_view prefix = "file:";
  if (!value.is_string()) return std::nullopt;
  const auto& text = value.get_ref<const std::string&>();
  if (!text.starts_with(prefix)) return std::nullopt;
  return whole_number<std::size_t>(std::string_view{text}.substr(prefix.size()));
}

// Puts the files back where the provider's body had them; they stand there in their order, from
// `next` on, so that a text which only looks like one stays.
Result<void> put_files_back(Json& body, const Json& files, const std::string& id,
                            std::size_t& next) {
  if (!body.is_structured()) return {};
  for (Json& value : body) {
    if (file_index(value) == next && next < files.size()) {
      RB_TRY(encoded, encoded_file(files[next].get<std::string>(), id));
      value = std::move(*encoded);
      ++next;
    } else {
      RB_TRY(done, put_files_back(value, files, id, next));
    }
  }
  return {};
}

// A chat and an image list name the same counts differently.
Json usage_of(const Json& record, const char* input_name, const char* output_name) {
  const auto found = record.find("usage");
  if (found == record.end()) return Json::object();
  const std::int64_t input = found->value("input_tokens", std::int64_t{0});
  const std::int64_t output = found->value("output_tokens", std::int64_t{0});
  return {{input_name, input}, {output_name, output}, {"total_tokens", input + output}};
}

Json chat_body(const Json& record, std::int64_t created) {
  std::string finish_reason = text_at(record, "finish_reason");
  if (finish_reason.empty()) finish_reason = "stop";
  return {{"id", "ratebatch-" + text_at(record, "id")},
          {"object", "chat.completion"},
          {"created", created},
          {"model", text_at(record, "model")},
          {"choices",
           Json::array({{{"index", 0},
                         {"message", {{"role", "assistant"}, {"content", text_at(record, "text")}}},
                         {"logprobs", nullptr},
                         {"finish_reason", finish_reason}}})},
          {"usage", usage_of(record, "prompt_tokens", "completion_tokens")}};
}

Result<Json> files_body(const Json& record, const Json& files, std::int64_t created) {
  Json data = Json::array();
  for (const Json& file : files) {
    RB_TRY(encoded, encoded_file(file.get<std::string>(), text_at(record, "id")));
    data.push_back({{"b64_json", std::move(*encoded)}});
  }
  return Json{{"created", created},
              {"data", std::move(data)},
              {"usage", usage_of(record, "input_tokens", "output_tokens")}};
}

Result<Json> body_of(const store::ResultRow& row, const Json& record) {
  const auto files = record.find("files");
  const Json no_files = Json::array();
  const auto body = record.find("body");
  if (body != record.end()) {
    Json whole = *body;
    std::size_t next = 0;
    RB_TRY(done, put_files_back(whole, files == record.end() ? no_files : *files,
                                text_at(record, "id"), next));
    return whole;
  }
  const std::int64_t created = to_ms(row.finished_at) / 1000;
  if (files != record.end()) return files_body(record, *files, created);
  return chat_body(record, created);
}

Json line_base(const store::ResultRow& row, const Json& record) {
  return {{"id", fmt::format("batch_req_{}", static_cast<std::int64_t>(row.seq))},
          {"custom_id", text_at(record, "id")},
          {"response", nullptr},
          {"error", nullptr}};
}

Json request_id_of(const store::ResultRow& row) {
  return row.request_id.empty() ? Json(nullptr) : Json(row.request_id);
}

Result<std::string> done_line(const store::ResultRow& row, const Json& record) {
  RB_TRY(body, body_of(row, record));
  Json line = line_base(row, record);
  line["response"] = {{"status_code", row.http_status > 0 ? row.http_status : 200},
                      {"request_id", request_id_of(row)},
                      {"body", std::move(*body)}};
  return line_of(line);
}

std::string failed_line(const store::ResultRow& row, const Json& record) {
  Json line = line_base(row, record);
  const Json error = record.value("error", Json::object());
  const std::string kind = text_at(error, "class");
  const std::string message = text_at(error, "message");
  // Batch has two ways to fail: a reply that is an error, and no reply that could count as one.
  if (row.http_status >= 400) {
    line["response"] = {
        {"status_code", row.http_status},
        {"request_id", request_id_of(row)},
        {"body",
         {{"error", {{"message", message}, {"type", kind}, {"param", nullptr}, {"code", kind}}}}}};
  } else {
    line["error"] = {{"code", kind}, {"message", message}};
  }
  return line_of(line);
}

}  // namespace

Result<ResultsWritten> write_results(store::CheckpointReader& reader, store::ResultOrder order,
                                     std::int64_t cursor, const LineSink& sink) {
  ResultsWritten written{.cursor = cursor};
  RB_TRY(all, reader.for_each_page(order, cursor, [&](const store::ResultPage& page) {
    written.results += page.rows;
    written.cursor = page.cursor;
    return sink(page.lines);
  }));
  return written;
}

Result<ResultsWritten> write_batch_results(store::CheckpointReader& reader,
                                           store::ResultOrder order, const LineSink& sink,
                                           const LineSink& errors) {
  ResultsWritten written;
  auto all = reader.for_each_result(order, 0, [&](const store::ResultRow& row) -> Result<void> {
    const Json record = Json::parse(row.record, nullptr, false);
    if (text_at(record, "status") == "failed") {
      ++written.errors;
      return errors(failed_line(row, record));
    }
    RB_TRY(line, done_line(row, record));
    ++written.results;
    return sink(*line);
  });
  if (!all) return pass(all);
  return written;
}

Result<std::int64_t> write_results_file(store::CheckpointReader& reader, store::ResultOrder order,
                                        const std::string& path) {
  RB_TRY(file, OutputFile::create(path));
  RB_TRY(written, write_results(reader, order, 0,
                                [&](std::string_view lines) { return file->write(lines); }));
  RB_TRY(visible, file->commit());
  return written->results;
}

}  // namespace ratebatch::run
