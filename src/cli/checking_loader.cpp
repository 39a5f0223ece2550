#include "cli/checking_loader.hpp"

#include "ratebatch/base/text.hpp"
#include "ratebatch/input/job_line.hpp"

namespace ratebatch {

Result<std::optional<FileStamp>> CheckingLoader::stamp_of(const std::string& /*path*/) {
  return std::optional<FileStamp>{};
}

Result<void> CheckingLoader::begin_file(const FileStamp& stamp) {
  files_.push_back(stamp.path);
  return {};
}

Result<bool> CheckingLoader::is_stored(std::int64_t /*line*/, std::string_view /*line_json*/) {
  return false;
}

Result<Added> CheckingLoader::add(const NewJob& job, bool /*update*/) {
  const std::string hash = fnv1a_64_hex(canonical_job_line(job.line_json));
  const auto [seen, is_new] = seen_.try_emplace(job.id, Seen{hash, files_.size() - 1, job.line});
  if (!is_new) {
    const AddedAs as = seen->second.content_hash == hash ? AddedAs::same : AddedAs::conflict;
    return Added{as, files_[seen->second.file], seen->second.line};
  }
  routes_.emplace(job.type, job.model);
  if (job.id == shown_id_) shown_line_ = job.line_json;
  return Added{};
}

Result<void> CheckingLoader::commit() { return {}; }

std::vector<StoredRoute> CheckingLoader::routes() const {
  std::vector<StoredRoute> routes;
  for (const auto& [type, model] : routes_) routes.push_back({RouteId{}, type, model});
  return routes;
}

}  // namespace ratebatch
