// Makes the requests of jobs: renders the line, reads the files it names, and lets the dialect of
// the lane write it down.
#pragma once

#include "ratebatch/base/result.hpp"
#include "ratebatch/input/render_job.hpp"
#include "ratebatch/model/http.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/provider/dialect.hpp"
#include "ratebatch/run/catalog.hpp"
#include "ratebatch/store/checkpoint.hpp"

namespace ratebatch::run {

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
  [[nodiscard]] LaneId home_of(RouteId route) const;

  const Catalog& catalog_;
  input::JobRenderer renderer_;
};

}  // namespace ratebatch::run
