// Results, read page by page, each page in a short transaction of its own.
#pragma once

#include <cstdint>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"
#include "store/sqlite.hpp"

namespace ratebatch {

// A page ends at the first of these, so that memory stays bounded whatever the answers are.
constexpr std::int64_t result_page_rows_max = 256;
constexpr std::size_t result_page_bytes_max = std::size_t{1} << 20U;

class ResultPages {
 public:
  // Results behind `cursor` in this order. `connection` must outlive the pages.
  static Result<ResultPages> make(Connection& connection, ResultOrder order, std::int64_t cursor);

  // The next page; empty behind the last result.
  Result<std::vector<ResultRow>> next();

 private:
  explicit ResultPages(std::int64_t cursor) : cursor_(cursor) {}

  std::int64_t cursor_;
  Statement read_page_;
  Statement read_files_;
};

}  // namespace ratebatch
