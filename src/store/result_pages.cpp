#include "store/result_pages.hpp"

#include <optional>
#include <string>
#include <utility>

namespace ratebatch {
namespace {

constexpr const char* operation = "read results";

// CROSS JOIN keeps SQLite from starting with another table than `results`, which would sort all
// answers for each page.
constexpr const char* columns_and_tables =
    ", results.seq, jobs.id, routes.type, routes.model, lanes.model, results.failed, results.text,"
    " results.files, results.body_json, results.finish_reason, results.input_tokens,"
    " results.output_tokens, results.images, states.attempts, results.finished_ms, jobs.line_json,"
    " attempts.class, attempts.message"
    " FROM results CROSS JOIN jobs ON jobs.seq = results.seq"
    " CROSS JOIN states ON states.seq = results.seq"
    " CROSS JOIN routes ON routes.id = states.route_id"
    " CROSS JOIN attempts ON attempts.seq = results.seq AND attempts.number = results.attempt"
    " CROSS JOIN lanes ON lanes.id = attempts.lane_id";

ResultRow result_row(const Statement& row) {
  ResultRow result;
  result.cursor = row.integer(0);
  result.seq = row.id<JobSeq>(1);
  result.id = row.text(2);
  result.type = row.text(3);
  result.model = row.text(4);
  result.lane_model = row.text(5);
  result.state = row.integer(6) != 0 ? JobState::failed : JobState::done;
  result.text = row.text(7);
  result.body_json = row.text(9);
  result.finish_reason = row.text(10);
  result.usage = {row.integer(11), row.integer(12), row.integer(13)};
  result.attempts = row.integer(14);
  result.finished_at = wall_from_ms(row.integer(15));
  result.line_json = row.text(16);
  if (result.state == JobState::failed) {
    result.error_class = row.text(17);
    result.error_message = row.text(18);
  }
  return result;
}

}  // namespace

Result<ResultPages> ResultPages::make(Connection& connection, ResultOrder order,
                                      std::int64_t cursor) {
  ResultPages pages(cursor);
  const std::string place = order == ResultOrder::finishing ? "results.id" : "results.seq";
  const std::string sql = "SELECT " + place + columns_and_tables + " WHERE " + place +
                          " > ?1 ORDER BY " + place + " LIMIT ?2";
  auto prepared = prepare_all(
      connection,
      {{&pages.read_page_, sql.c_str(), operation},
       {&pages.read_files_, "SELECT value FROM json_each(?1) ORDER BY key", operation}});
  if (!prepared) return pass(prepared);
  return pages;
}

Result<std::vector<ResultRow>> ResultPages::next() {
  std::vector<ResultRow> page;
  std::vector<std::string> file_lists;
  std::size_t bytes = 0;
  auto read = read_page_.rows(
      [&](const Statement& row) {
        const ResultRow& result = page.emplace_back(result_row(row));
        file_lists.push_back(row.text(8));
        bytes += result.text.size() + result.body_json.size() + result.line_json.size();
        return bytes < result_page_bytes_max;
      },
      cursor_, result_page_rows_max);
  if (!read) return pass(read);
  for (std::size_t i = 0; i < page.size(); ++i) {
    if (file_lists[i].empty()) continue;
    read = read_files_.rows([&](const Statement& row) { page[i].files.push_back(row.text(0)); },
                            file_lists[i]);
    if (!read) return pass(read);
  }
  if (!page.empty()) cursor_ = page.back().cursor;
  return page;
}

}  // namespace ratebatch
