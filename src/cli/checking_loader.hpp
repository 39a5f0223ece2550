// A loader that stores nothing: it lets job files be checked by the very code that loads them.
//
// It remembers one hash per id, to find an id that is used twice, the first job of each route, and
// one job to be shown.
#pragma once

#include <map>
#include <optional>
#include <string>
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
  std::string file;  // Absolute path of its job file; "-": standard input.
};

class CheckingLoader final : public store::JobLoader {
 public:
  // Keeps the job `shown_id`; empty: none.
  explicit CheckingLoader(std::string shown_id) : shown_id_(std::move(shown_id)) {}

  Result<std::optional<store::FileStamp>> stamp_of(const std::string& path) override;
  Result<void> begin_file(const store::FileStamp& stamp) override;
  Result<bool> is_stored(std::int64_t line, std::string_view line_json) override;
  Result<store::Added> add(const store::NewJob& job, bool update) override;
  Result<void> commit() override;

  // Of all jobs. The ids count from 1; those of a checkpoint are others.
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
    std::int64_t input_bytes = 0;
    std::int64_t output_max = 0;
    std::int64_t images = 0;
    bool raw_body = false;
    SeenJob first;
  };

  std::string shown_id_;
  std::optional<SeenJob> shown_;
  std::vector<std::string> files_;
  std::map<std::string, Seen> seen_;
  std::map<std::pair<std::string, std::string>, Sums> routes_;  // By type and model.
};

}  // namespace ratebatch::cli
