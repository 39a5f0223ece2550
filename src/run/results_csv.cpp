// Results as a table for spreadsheets and data frames.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <set>

#include "ratebatch/base/text.hpp"
#include "ratebatch/json/writer.hpp"
#include "ratebatch/run/results.hpp"

namespace ratebatch::run {
namespace {

using Json = json::OrderedJson;

constexpr std::array<std::string_view, 15> result_fields = {
    "id",       "type",     "status", "model",   "text",     "files", "body",       "finish_reason",
    "cost_usd", "attempts", "error",  "sandbox", "metadata", "usage", "finished_at"};

// Of objects whose members are known.
constexpr std::array<std::string_view, 6> result_members = {
    "usage.input_tokens", "usage.output_tokens", "usage.images",
    "usage.characters",   "error.class",         "error.message"};

bool is_in(const auto& names, std::string_view name) {
  return std::find(names.begin(), names.end(), name) != names.end();
}

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
  return json::written(value);
}

const Json* member(const Json* object, std::string_view name) {
  if (object == nullptr || !object->is_object()) return nullptr;
  const auto found = object->find(std::string(name));
  return found == object->end() ? nullptr : &*found;
}

// A result and the job it is of.
struct ResultRow {
  Json record;
  Json job;
};

const Json* vars_of(const ResultRow& row) { return member(&row.job, "vars"); }

// The text in a body that was kept whole, in the forms of OpenAI's API.
std::string text_of_body(const Json& record) {
  const Json* body = member(&record, "body");
  const Json* choices = member(body, "choices");
  if (choices != nullptr && choices->is_array() && !choices->empty()) {
    const Json* content = member(member(&choices->front(), "message"), "content");
    if (content == nullptr) content = member(&choices->front(), "text");
    return content == nullptr ? std::string{} : text_of(*content);
  }
  std::string text;
  const Json* output = member(body, "output");
  if (output == nullptr || !output->is_array()) return text;
  for (const Json& item : *output) {
    const Json* parts = member(&item, "content");
    if (parts == nullptr || !parts->is_array()) continue;
    for (const Json& part : *parts) {
      if (const Json* piece = member(&part, "text")) text += text_of(*piece);
    }
  }
  return text;
}

// What stands under this name: a whole name first, so that variables with dots are found.
const Json* find_value(const ResultRow& row, std::string_view column) {
  const std::size_t dot = column.find('.');
  const std::string_view head = column.substr(0, dot);
  const bool is_field = is_in(result_fields, head);
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

std::string value_text(const ResultRow& row, const std::string& column) {
  const Json* value = find_value(row, column);
  if (value == nullptr) return column == "text" ? text_of_body(row.record) : std::string{};
  // A single file is a plain path, as most results have it.
  const bool is_single_file = column == "files" && value->size() == 1;
  return text_of(is_single_file ? value->front() : *value);
}

ResultRow read_row(const store::ResultRow& stored) {
  return {Json::parse(stored.record, nullptr, false),
          Json::parse(stored.line_json, nullptr, false)};
}

void collect_names(const Json* object, std::string_view prefix, std::set<std::string>& names) {
  if (object == nullptr || !object->is_object()) return;
  for (const auto& [name, value] : object->items()) names.insert(std::string(prefix) + name);
}

// Names that are known only once all results are read.
struct Names {
  std::set<std::string> vars;
  std::set<std::string> metadata;
  bool has_results = false;
  bool has_files = false;
  bool has_errors = false;
};

Result<Names> read_names(store::CheckpointReader& reader, store::ResultOrder order) {
  Names names;
  RB_TRY(all, reader.for_each_result(order, 0, [&](const store::ResultRow& stored) -> Result<void> {
    const ResultRow row = read_row(stored);
    names.has_results = true;
    collect_names(vars_of(row), "vars.", names.vars);
    collect_names(member(&row.record, "metadata"), "metadata.", names.metadata);
    names.has_files = names.has_files || row.record.contains("files");
    names.has_errors = names.has_errors || row.record.contains("error");
    return {};
  }));
  return names;
}

std::vector<std::string> all_columns(const Names& names) {
  std::vector<std::string> columns = {"id", "status", "text"};
  if (names.has_files) columns.emplace_back("files");
  columns.insert(columns.end(), names.vars.begin(), names.vars.end());
  columns.insert(columns.end(), names.metadata.begin(), names.metadata.end());
  if (names.has_errors) columns.insert(columns.end(), {"error.class", "error.message"});
  return columns;
}

bool is_result_field(const std::string& column) {
  const std::string_view head = std::string_view(column).substr(0, column.find('.'));
  return head != "metadata" && is_in(result_fields, head);
}

// What needs no look at any result: no column twice, and members that a result can have.
Result<void> check_form(const std::vector<std::string>& columns) {
  std::set<std::string> seen;
  for (const std::string& column : columns) {
    if (!seen.insert(column).second) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("--columns: '{}' is given twice", escaped(column)));
    }
    const bool has_fixed_members = column.starts_with("usage.") || column.starts_with("error.");
    if (!has_fixed_members || is_in(result_members, column)) continue;
    const std::string meant = did_you_mean(column, {result_members.begin(), result_members.end()});
    return fail(ErrorCode::invalid_input,
                fmt::format("--columns: no result has '{}'{}", escaped(column),
                            !meant.empty() ? meant
                                           : fmt::format("; expected one of {}",
                                                         fmt::join(result_members, ", "))));
  }
  return {};
}

// The columns that no result has, each with the nearest name.
std::vector<std::string> unknown_columns(const Names& names,
                                         const std::vector<std::string>& columns) {
  std::vector<std::string> known(result_fields.begin(), result_fields.end());
  known.insert(known.end(), names.vars.begin(), names.vars.end());
  known.insert(known.end(), names.metadata.begin(), names.metadata.end());
  std::vector<std::string> short_names = known;
  for (const std::string& name : known) short_names.push_back(name.substr(name.find('.') + 1));
  std::vector<std::string> unknown;
  for (const std::string& column : columns) {
    if (is_result_field(column) || is_in(known, column) || is_in(known, "vars." + column) ||
        is_in(known, "metadata." + column)) {
      continue;
    }
    unknown.push_back(fmt::format("'{}'{}", escaped(column), did_you_mean(column, short_names)));
  }
  return unknown;
}

// Warnings about columns that are empty so far: those of jobs to come may be in them.
Result<std::vector<std::string>> check_columns(store::CheckpointReader& reader,
                                               store::ResultOrder order,
                                               const std::vector<std::string>& columns) {
  RB_TRY(checked, check_form(columns));
  std::vector<std::string> warnings;
  if (std::all_of(columns.begin(), columns.end(), is_result_field)) return warnings;
  // Looked at first: what is finished by then is found below.
  RB_TRY(status, reader.status());
  const store::JobCounts jobs = status->counts.jobs();
  RB_TRY(names, read_names(reader, order));
  for (const std::string& column : unknown_columns(*names, columns)) {
    if (jobs.open() == 0 && names->has_results) {
      return fail(ErrorCode::invalid_input, "--columns: no result has " + column);
    }
    warnings.push_back("--columns: no result so far has " + column + "; the column is empty");
  }
  return warnings;
}

}  // namespace

Result<ResultsWritten> write_csv_results(store::CheckpointReader& reader, store::ResultOrder order,
                                         std::vector<std::string> columns, const LineSink& sink) {
  RB_TRY(warnings, check_columns(reader, order, columns));
  if (columns.empty()) {
    RB_TRY(names, read_names(reader, order));
    columns = all_columns(*names);
  }
  const auto line_of = [&](const auto& cell_of) {
    std::string line;
    for (const std::string& column : columns) line += cell(cell_of(column)) + ',';
    line.back() = '\n';
    return line;
  };
  RB_TRY(headed, sink(line_of([](const std::string& column) { return column; })));
  ResultsWritten written;
  written.warnings = std::move(*warnings);
  RB_TRY(all, reader.for_each_result(order, 0, [&](const store::ResultRow& stored) {
    const ResultRow row = read_row(stored);
    ++written.results;
    return sink(line_of([&](const std::string& column) { return value_text(row, column); }));
  }));
  return written;
}

}  // namespace ratebatch::run
