// A loader that remembers what kinds of jobs are added, and asks before it makes them durable
// whether what they need is there.
//
// It stores the jobs in a loader behind it, or nowhere: then it lets job files be checked by the
// very code that loads them, and keeps one hash per id to find an id that is used twice.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ratebatch/run/rehearsal.hpp"
#include "ratebatch/store/checkpoint.hpp"
#include "ratebatch/store/job_loader.hpp"

namespace ratebatch::cli {

// A job as a checkpoint would keep it.
struct SeenJob {
  std::string id;
  std::string type;
  std::string model;  // Explicit; empty: the type's.
  std::string line_json;
  std::string file;       // Absolute path of its job file; "-": standard input.
  std::int64_t line = 0;  // In that file.
};

// Says whether jobs of these routes (whose ids mean nothing) can be worked on; `first`: the first
// new job of each.
using RouteCheck = std::function<Result<void>(const std::vector<store::StoredRoute>& routes,
                                              const std::vector<SeenJob>& first)>;

class WatchedLoader final : public store::JobLoader {
 public:
  // Stores jobs in `inner` once `check` lets them pass; without `inner` it stores nothing. Keeps
  // the job `shown_id`, if that is not empty.
  explicit WatchedLoader(RouteCheck check = {}, std::unique_ptr<store::JobLoader> inner = {},
                         std::string shown_id = {})
      : inner_(std::move(inner)), check_(std::move(check)), shown_id_(std::move(shown_id)) {}

  Result<std::optional<store::FileStamp>> stamp_of(const std::string& path) override;
  Result<void> begin_file(const store::FileStamp& stamp) override;
  Result<bool> is_stored(std::int64_t line, std::string_view line_json) override;
  Result<store::Added> add(const store::NewJob& job, bool update) override;

  // Fails as the check does; then nothing is stored.
  Result<void> commit() override;

  // The routes of all new jobs. The ids count from 1; those of a checkpoint are others.
  [[nodiscard]] std::vector<store::StoredRoute> routes() const;

  // How many jobs each of these routes has, and their average size.
  [[nodiscard]] std::vector<run::JobClass> jobs() const;

  // The first one of each of these routes.
  [[nodiscard]] std::vector<SeenJob> samples() const;

  // The job that was to be shown, if it is there.
  [[nodiscard]] const std::optional<SeenJob>& shown() const { return shown_; }

 private:
  struct Seen {
    std::string content_hash;
    std::size_t file = 0;
    std::int64_t line = 0;
  };

  struct Sums {
    std::int64_t jobs = 0;
    JobSize size;  // All of them together.
    SeenJob first;
  };

  store::Added compare(const store::NewJob& job);

  std::unique_ptr<store::JobLoader> inner_;  // May be empty.
  RouteCheck check_;                         // May be empty.
  std::string shown_id_;
  std::optional<SeenJob> shown_;
  std::vector<std::string> files_;    // As they were begun.
  std::map<std::string, Seen> seen_;  // By id, if there is no loader behind this one.
  std::map<std::pair<std::string, std::string>, Sums> routes_;  // By type and model.
};

}  // namespace ratebatch::cli
