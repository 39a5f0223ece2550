// Results, read page by page, each page in a short transaction of its own.
#pragma once

#include <cstdint>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

// A page ends at the first of these, so that memory stays bounded whatever the answers are.
constexpr std::int64_t result_page_rows_max = 1024;
constexpr std::size_t result_page_bytes_max = std::size_t{1} << 20U;

class ResultPages {
 public:
  // Results behind `cursor` in this order. `connection` must outlive the pages.
  ResultPages(Connection& connection, ResultOrder order, std::int64_t cursor);

  // The next page, valid until the next call; without rows behind the last result.
  Result<const ResultPage*> next();

 private:
  ResultPage page_;
  Statement read_page_;
};

// The same with what stands around each result.
class ResultRows {
 public:
  ResultRows(Connection& connection, ResultOrder order, std::int64_t cursor);

  // The next rows, valid until the next call; none behind the last result.
  Result<const std::vector<ResultRow>*> next();

 private:
  std::int64_t cursor_;
  std::vector<ResultRow> rows_;
  Statement read_rows_;
};

}  // namespace ratebatch::store
