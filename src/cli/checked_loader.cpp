#include "cli/checked_loader.hpp"

namespace ratebatch {

Result<std::optional<FileStamp>> CheckedLoader::stamp_of(const std::string& path) {
  return inner_->stamp_of(path);
}

Result<void> CheckedLoader::begin_file(const FileStamp& stamp) {
  file_ = stamp.path;
  return inner_->begin_file(stamp);
}

Result<bool> CheckedLoader::is_stored(std::int64_t line, std::string_view line_json) {
  return inner_->is_stored(line, line_json);
}

Result<Added> CheckedLoader::add(const NewJob& job, bool update) {
  auto added = inner_->add(job, update);
  if (added && (added->as == AddedAs::added || added->as == AddedAs::updated)) {
    const std::pair route{job.type, job.model};
    if (!first_.contains(route)) {
      const SeenJob seen{job.id, job.type, job.model, job.line_json, file_};
      first_.emplace(route, PlacedJob{seen, job.line});
    }
  }
  return added;
}

Result<void> CheckedLoader::commit() {
  std::vector<StoredRoute> routes;
  std::vector<PlacedJob> jobs;
  for (const auto& [route, job] : first_) {
    routes.push_back({RouteId{}, job.job.type, job.job.model});
    jobs.push_back(job);
  }
  auto checked = check_(routes, jobs);
  if (!checked) return pass(checked);
  return inner_->commit();
}

}  // namespace ratebatch
