// Results as a table for spreadsheets and data frames.
#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <nlohmann/json.hpp>
#include <set>

#include "ratebatch/base/text.hpp"
#include "ratebatch/run/results.hpp"

namespace ratebatch {
namespace {

using Json = nlohmann::ordered_json;

constexpr std::array<std::string_view, 15> result_fields = {
    "id",       "type",     "status", "model",   "text",     "files", "body",       "finish_reason",
    "cost_usd", "attempts", "error",  "sandbox", "metadata", "usage", "finished_at"};

std::string cell(std::string_view value) {
  if (value.find_first_of(",\"\r\n") == std::string_view::npos) return std::string(value);
  std::string quoted = "\"";
  for (const char c : value) {
    if (c == '"') quoted += '"';
    quoted += c;
  }
  return quoted + '"';
}

std::string text_of(const Json& value) {
  if (value.is_null()) return {};
  if (value.is_string()) return value.get<std::string>();
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

// Several files with a blank between; their names hold none.
std::string files_text(const Json& files) {
  std::string text;
  for (const Json& file : files) text += (text.empty() ? "" : " ") + text_of(file);
  return text;
}

const Json* member(const Json* object, std::string_view name) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto found = object->find(std::string(name));
  return found == object->end() ? nullptr : &*found;
}

// A result and the job it is of.
struct Row {
  Json record;
  Json job;
};

const Json* vars_of(const Row& row) { return member(&row.job, "vars"); }

// What stands under this name: a whole name first, so that variables with dots are found.
const Json* find_value(const Row& row, std::string_view column) {
  const std::size_t dot = column.find('.');
  const std::string_view head = column.substr(0, dot);
  const bool is_field =
      std::find(result_fields.begin(), result_fields.end(), head) != result_fields.end();
  if (dot == std::string_view::npos) {
    if (is_field) return member(&row.record, column);
  } else {
    const std::string_view rest = column.substr(dot + 1);
    if (head == "vars") return member(vars_of(row), rest);
    if (is_field) return member(member(&row.record, head), rest);
  }
  const Json* var = member(vars_of(row), column);
  return var != nullptr ? var : member(member(&row.record, "metadata"), column);
}

std::string value_text(const Row& row, const std::string& column) {
  const Json* value = find_value(row, column);
  if (value == nullptr) return {};
  return column == "files" ? files_text(*value) : text_of(*value);
}

Row read_row(const ResultRow& stored) {
  return {Json::parse(stored.record, nullptr, false),
          Json::parse(stored.line_json, nullptr, false)};
}

void collect_names(const Json* object, std::string_view prefix, std::set<std::string>& names) {
  if (object == nullptr || !object->is_object()) return;
  for (const auto& [name, value] : object->items()) names.insert(std::string(prefix) + name);
}

Result<std::vector<std::string>> all_columns(CheckpointReader& reader, ResultOrder order) {
  std::set<std::string> vars;
  std::set<std::string> metadata;
  bool has_files = false;
  auto all = reader.for_each_result(order, 0, [&](const ResultRow& stored) -> Result<void> {
    const Row row = read_row(stored);
    collect_names(vars_of(row), "vars.", vars);
    collect_names(member(&row.record, "metadata"), "metadata.", metadata);
    has_files = has_files || row.record.contains("files");
    return {};
  });
  if (!all) return pass(all);
  std::vector<std::string> columns = {"id", "status", "text"};
  if (has_files) columns.emplace_back("files");
  columns.insert(columns.end(), vars.begin(), vars.end());
  columns.insert(columns.end(), metadata.begin(), metadata.end());
  return columns;
}

Result<void> check_columns(const std::vector<std::string>& columns) {
  std::set<std::string> seen;
  for (const std::string& column : columns) {
    if (seen.insert(column).second) continue;
    return fail(ErrorCode::invalid_input,
                fmt::format("--columns: '{}' is given twice", escaped(column)));
  }
  return {};
}

}  // namespace

Result<ResultsWritten> write_csv_results(CheckpointReader& reader, ResultOrder order,
                                         std::vector<std::string> columns, const LineSink& sink) {
  if (auto checked = check_columns(columns); !checked) return pass(checked);
  if (columns.empty()) {
    auto found = all_columns(reader, order);
    if (!found) return pass(found);
    columns = std::move(*found);
  }
  const auto line_of = [&](const auto& cell_of) {
    std::string line;
    for (const std::string& column : columns) line += cell(cell_of(column)) + ',';
    line.back() = '\n';
    return line;
  };
  auto headed = sink(line_of([](const std::string& column) { return column; }));
  if (!headed) return pass(headed);
  ResultsWritten written;
  auto all = reader.for_each_result(order, 0, [&](const ResultRow& stored) {
    const Row row = read_row(stored);
    ++written.results;
    return sink(line_of([&](const std::string& column) { return value_text(row, column); }));
  });
  if (!all) return pass(all);
  return written;
}

}  // namespace ratebatch
