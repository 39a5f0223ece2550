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

namespace ratebatch::cli {

// A job, and where it stands in its file.
struct PlacedJob {
  SeenJob job;
  std::int64_t line = 0;
};

// Says whether jobs of these routes (whose ids mean nothing) can be worked on; `first`: the first
// new job of each.
using RouteCheck = std::function<Result<void>(const std::vector<store::StoredRoute>& routes,
                                              const std::vector<PlacedJob>& first)>;

class CheckedLoader final : public store::JobLoader {
 public:
  CheckedLoader(std::unique_ptr<store::JobLoader> inner, RouteCheck check)
      : inner_(std::move(inner)), check_(std::move(check)) {}

  Result<std::optional<store::FileStamp>> stamp_of(const std::string& path) override;
  Result<void> begin_file(const store::FileStamp& stamp) override;
  Result<bool> is_stored(std::int64_t line, std::string_view line_json) override;
  Result<store::Added> add(const store::NewJob& job, bool update) override;

  // Fails as the check of the routes that jobs were added to does; then nothing is stored.
  Result<void> commit() override;

 private:
  std::unique_ptr<store::JobLoader> inner_;
  RouteCheck check_;
  std::string file_;                                                // That jobs come from now.
  std::map<std::pair<std::string, std::string>, PlacedJob> first_;  // By type and model.
};

}  // namespace ratebatch::cli
