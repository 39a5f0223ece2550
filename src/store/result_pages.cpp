#include "store/result_pages.hpp"

#include <string>

namespace ratebatch {

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

}  // namespace ratebatch
