#include "cli/checked_loader.hpp"

namespace ratebatch::cli {

Result<std::optional<store::FileStamp>> CheckedLoader::stamp_of(const std::string& path) {
  return inner_->stamp_of(path);
}

Result<void> CheckedLoader::begin_file(const store::FileStamp& stamp) {
  file_ = stamp.path;
  return inner_->begin_file(stamp);
}

Result<bool> CheckedLoader::is_stored(std::int64_t line, std::string_view line_json) {
  return inner_->is_stored(line, line_json);
}

Result<store::Added> CheckedLoader::add(const store::NewJob& job, bool update) {
  auto added = inner_->add(job, update);
  if (added && (added->as == store::AddedAs::added || added->as == store::AddedAs::updated)) {
    const std::pair route{job.type, job.model};
    if (!first_.contains(route)) {
      const SeenJob seen{job.id, job.type, job.model, job.line_json, file_};
      first_.emplace(route, PlacedJob{seen, job.line});
    }
  }
  return added;
}

Result<void> CheckedLoader::commit() {
  std::vector<store::StoredRoute> routes;
  std::vector<PlacedJob> jobs;
  for (const auto& [route, job] : first_) {
    routes.push_back({RouteId{}, job.job.type, job.job.model});
    jobs.push_back(job);
  }
  auto checked = check_(routes, jobs);
  if (!checked) return pass(checked);
  return inner_->commit();
}

}  // namespace ratebatch::cli
