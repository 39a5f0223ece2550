#include "store/result_pages.hpp"

#include <string>

#include "store/result_record.hpp"

namespace ratebatch {

Result<ResultPages> ResultPages::make(Connection& connection, ResultOrder order,
                                      std::int64_t cursor) {
  ResultPages pages(cursor);
  const std::string place = order == ResultOrder::finishing ? "id" : "seq";
  const std::string sql =
      "SELECT " + place +
      ", coalesce(failure, record), CASE metadata WHEN 1 THEN"
      " (SELECT line_json -> '$.metadata' FROM jobs WHERE jobs.seq = results.seq) END"
      " FROM results WHERE " +
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
        if (row.is_null(2)) {
          page_.lines += row.text_view(1);
        } else {
          page_.lines += with_metadata(row.text_view(1), row.text_view(2));
        }
        page_.lines += '\n';
        return page_.lines.size() < result_page_bytes_max;
      },
      page_.cursor, result_page_rows_max);
  if (!read) return pass(read);
  return &page_;
}

}  // namespace ratebatch
