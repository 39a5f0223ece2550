// A loader that stores nothing: it lets job files be checked by the very code that loads them.
//
// It remembers one hash per id, to find an id that is used twice, and one job to be shown.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "ratebatch/run/rehearsal.hpp"
#include "ratebatch/store/checkpoint.hpp"
#include "ratebatch/store/job_loader.hpp"

namespace ratebatch {

class CheckingLoader final : public JobLoader {
 public:
  // Keeps the line of the job `shown_id`; empty: none.
  explicit CheckingLoader(std::string shown_id) : shown_id_(std::move(shown_id)) {}

  Result<std::optional<FileStamp>> stamp_of(const std::string& path) override;
  Result<void> begin_file(const FileStamp& stamp) override;
  Result<bool> is_stored(std::int64_t line, std::string_view line_json) override;
  Result<Added> add(const NewJob& job, bool update) override;
  Result<void> commit() override;

  // Of all jobs. The ids count from 1; those of a checkpoint are others.
  [[nodiscard]] std::vector<StoredRoute> routes() const;

  // How many jobs each of these routes has, and their average size.
  [[nodiscard]] std::vector<JobClass> jobs() const;

  [[nodiscard]] const std::optional<std::string>& shown_line() const { return shown_line_; }

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
  };

  std::string shown_id_;
  std::optional<std::string> shown_line_;
  std::vector<std::string> files_;
  std::map<std::string, Seen> seen_;
  std::map<std::pair<std::string, std::string>, Sums> routes_;  // By type and model.
};

}  // namespace ratebatch
