// A loader that asks before it makes jobs durable: whether what they need is there.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <optional>
#include <string>
#include <utility>
#include <vector>

#include "cli/checking_loader.hpp"
#include "ratebatch/store/checkpoint.hpp"
#include "ratebatch/store/job_loader.hpp"

namespace ratebatch {

// A job, and where it stands in its file.
struct PlacedJob {
  SeenJob job;
  std::int64_t line = 0;
};

// Says whether jobs of these routes (whose ids mean nothing) can be worked on; `first`: the first
// new job of each.
using RouteCheck = std::function<Result<void>(const std::vector<StoredRoute>& routes,
                                              const std::vector<PlacedJob>& first)>;

class CheckedLoader final : public JobLoader {
 public:
  CheckedLoader(std::unique_ptr<JobLoader> inner, RouteCheck check)
      : inner_(std::move(inner)), check_(std::move(check)) {}

  Result<std::optional<FileStamp>> stamp_of(const std::string& path) override;
  Result<void> begin_file(const FileStamp& stamp) override;
  Result<bool> is_stored(std::int64_t line, std::string_view line_json) override;
  Result<Added> add(const NewJob& job, bool update) override;

  // Fails as the check of the routes that jobs were added to does; then nothing is stored.
  Result<void> commit() override;

 private:
  std::unique_ptr<JobLoader> inner_;
  RouteCheck check_;
  std::string file_;                                                // That jobs come from now.
  std::map<std::pair<std::string, std::string>, PlacedJob> first_;  // By type and model.
};

}  // namespace ratebatch
