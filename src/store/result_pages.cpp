#include "store/result_pages.hpp"

#include <string>

namespace ratebatch::store {

Result<ResultPages> ResultPages::make(Connection& connection, ResultOrder order,
                                      std::int64_t cursor) {
  ResultPages pages(cursor);
  const std::string place = order == ResultOrder::finishing ? "id" : "seq";
  const std::string sql = "SELECT " + place + ", coalesce(failure, record) FROM results WHERE " +
                          place + " > ?1 ORDER BY " + place + " LIMIT ?2";
  auto prepared = prepare_all(connection, {{&pages.read_page_, sql.c_str(), "read results"}});
  if (!prepared) return pass(prepared);
  return pages;
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

Result<ResultRows> ResultRows::make(Connection& connection, ResultOrder order,
                                    std::int64_t cursor) {
  ResultRows rows(cursor);
  const std::string place = order == ResultOrder::finishing ? "results.id" : "results.seq";
  const std::string sql = "SELECT " + place +
                          ", results.seq, coalesce(failure, record), jobs.line_json,"
                          " attempts.http_status, attempts.request_id, results.finished_ms"
                          " FROM results CROSS JOIN jobs ON jobs.seq = results.seq"
                          " LEFT JOIN attempts ON attempts.seq = results.seq"
                          " AND attempts.number = results.attempt WHERE " +
                          place + " > ?1 ORDER BY " + place + " LIMIT ?2";
  auto prepared = prepare_all(connection, {{&rows.read_rows_, sql.c_str(), "read results"}});
  if (!prepared) return pass(prepared);
  return rows;
}

Result<const std::vector<ResultRow>*> ResultRows::next() {
  rows_.clear();
  std::size_t bytes = 0;
  auto read = read_rows_.rows(
      [&](const Statement& row) {
        ResultRow& result = rows_.emplace_back();
        result.cursor = cursor_ = row.integer(0);
        result.seq = row.id<JobSeq>(1);
        result.record = row.text(2);
        result.line_json = row.text(3);
        result.http_status = static_cast<std::int32_t>(row.integer(4));
        result.request_id = row.text(5);
        result.finished_at = wall_from_ms(row.integer(6));
        bytes += result.record.size() + result.line_json.size();
        return bytes < result_page_bytes_max;
      },
      cursor_, result_page_rows_max);
  if (!read) return pass(read);
  return &rows_;
}

}  // namespace ratebatch::store
