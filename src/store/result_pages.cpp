#include "store/result_pages.hpp"

#include <string>

namespace ratebatch::store {

namespace {

// Reads `columns` of the results behind ?1 in this order, at most ?2 of them.
Statement reading(Connection& connection, ResultOrder order, const std::string& columns) {
  const std::string place = order == ResultOrder::finishing ? "results.id" : "results.seq";
  return {connection, "read results",
          "SELECT " + place + ", coalesce(failure, record)" + columns + " WHERE " + place +
              " > ?1 ORDER BY " + place + " LIMIT ?2"};
}

}  // namespace

ResultPages::ResultPages(Connection& connection, ResultOrder order, std::int64_t cursor)
    : read_page_(reading(connection, order, " FROM results")) {
  page_.cursor = cursor;
}

Result<const ResultPage*> ResultPages::next() {
  page_.rows = 0;
  page_.lines.clear();
  auto read = read_page_.rows(
      [&](const Statement& row) {
        page_.cursor = row.integer(0);
        ++page_.rows;
        page_.lines += row.text_view(1);
        page_.lines += '\n';
        return page_.lines.size() < result_page_bytes_max;
      },
      page_.cursor, result_page_rows_max);
  if (!read) return pass(read);
  return &page_;
}

ResultRows::ResultRows(Connection& connection, ResultOrder order, std::int64_t cursor)
    : cursor_(cursor),
      read_rows_(reading(connection, order,
                         ", results.seq, jobs.line_json, attempts.http_status,"
                         " attempts.request_id, results.finished_ms"
                         " FROM results CROSS JOIN jobs ON jobs.seq = results.seq"
                         " LEFT JOIN attempts ON attempts.seq = results.seq"
                         " AND attempts.number = results.attempt")) {}

Result<const std::vector<ResultRow>*> ResultRows::next() {
  rows_.clear();
  std::size_t bytes = 0;
  auto read = read_rows_.rows(
      [&](const Statement& row) {
        ResultRow& result = rows_.emplace_back();
        result.cursor = cursor_ = row.integer(0);
        result.record = row.text(1);
        result.seq = row.id<JobSeq>(2);
        result.line_json = row.text(3);
        result.http_status = static_cast<std::int32_t>(row.integer(4));
        result.request_id = row.text(5);
        result.finished_at = row.time(6);
        bytes += result.record.size() + result.line_json.size();
        return bytes < result_page_bytes_max;
      },
      cursor_, result_page_rows_max);
  if (!read) return pass(read);
  return &rows_;
}

}  // namespace ratebatch::store
