// What a transfer came to, for the scheduler: read by the dialect, without the key, and judged by
// the rules of its type.
#pragma once

#include "ratebatch/model/http.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/provider/dialect.hpp"
#include "ratebatch/run/catalog.hpp"

namespace ratebatch::run {

// What must be known of the request.
struct AskedBy {
  RouteId route{};
  LaneId lane{};  // That was asked.
  KeyId key{};
  provider::AskedFor asked;
};

// A refused answer keeps its text, and loses its files: they are neither kept nor fetched.
Outcome read_answer(const Catalog& catalog, const AskedBy& by, const TransferResult& result);

}  // namespace ratebatch::run
