#include "cli/checked_loader.hpp"

namespace ratebatch {

Result<std::optional<FileStamp>> CheckedLoader::stamp_of(const std::string& path) {
  return inner_->stamp_of(path);
}

Result<void> CheckedLoader::begin_file(const FileStamp& stamp) { return inner_->begin_file(stamp); }

Result<bool> CheckedLoader::is_stored(std::int64_t line, std::string_view line_json) {
  return inner_->is_stored(line, line_json);
}

Result<Added> CheckedLoader::add(const NewJob& job, bool update) {
  auto added = inner_->add(job, update);
  if (added && (added->as == AddedAs::added || added->as == AddedAs::updated)) {
    routes_.emplace(job.type, job.model);
  }
  return added;
}

Result<void> CheckedLoader::commit() {
  std::vector<StoredRoute> routes;
  for (const auto& [type, model] : routes_) routes.push_back({RouteId{}, type, model});
  auto checked = check_(routes);
  if (!checked) return pass(checked);
  return inner_->commit();
}

}  // namespace ratebatch
