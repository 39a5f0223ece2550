// The requests that jobs become, and what their answers come to: written and read by the dialect of
// the lane.
#pragma once

#include "ratebatch/base/result.hpp"
#include "ratebatch/input/render_job.hpp"
#include "ratebatch/model/http.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/provider/dialect.hpp"
#include "ratebatch/run/catalog.hpp"
#include "ratebatch/store/checkpoint.hpp"

namespace ratebatch::run {

// Renders the line of a job, reads the files it names, and lets the dialect write it down.
class RequestMaker {
 public:
  // `catalog` must outlive it.
  explicit RequestMaker(const Catalog& catalog) : catalog_(catalog), renderer_(catalog.config) {}

  struct Request {
    HttpRequest http;
    provider::AskedFor asked;
  };

  // The request with its key. Fails with invalid_input where the job cannot be expressed, or a file
  // of it cannot be sent, naming it; with io where a file cannot be read.
  Result<Request> make(const store::StoredJob& job, const action::Send& send);

 private:
  const Catalog& catalog_;
  input::JobRenderer renderer_;
};

// What must be known of a request to read its answer.
struct AskedBy {
  RouteId route{};
  LaneId lane{};  // That was asked.
  KeyId key{};
  provider::AskedFor asked;
};

// What a transfer came to, for the scheduler: read by the dialect, without the key, and judged by
// the rules of its type. A refused answer keeps its text, and loses its files: they are neither
// kept nor fetched.
Outcome read_answer(const Catalog& catalog, const AskedBy& by, const TransferResult& result);

}  // namespace ratebatch::run
