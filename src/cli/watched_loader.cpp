#include "cli/watched_loader.hpp"

#include "ratebatch/base/text.hpp"
#include "ratebatch/input/job_line.hpp"

namespace ratebatch::cli {

Result<std::optional<store::FileStamp>> WatchedLoader::stamp_of(const std::string& path) {
  if (inner_) return inner_->stamp_of(path);
  return std::optional<store::FileStamp>{};
}

Result<void> WatchedLoader::begin_file(const store::FileStamp& stamp) {
  files_.push_back(stamp.path);
  return inner_ ? inner_->begin_file(stamp) : Result<void>{};
}

Result<bool> WatchedLoader::is_stored(std::int64_t line, std::string_view line_json) {
  return inner_ ? inner_->is_stored(line, line_json) : false;
}

store::Added WatchedLoader::compare(const store::NewJob& job) {
  const std::string hash = fnv1a_64_hex(input::canonical_job_line(job.line_json));
  const auto [seen, is_new] = seen_.try_emplace(job.id, Seen{hash, files_.size() - 1, job.line});
  if (is_new) return {};
  const bool is_same = seen->second.content_hash == hash;
  return {is_same ? store::AddedAs::same : store::AddedAs::conflict, files_[seen->second.file],
          seen->second.line};
}

Result<store::Added> WatchedLoader::add(const store::NewJob& job, bool update) {
  auto added = inner_ ? inner_->add(job, update) : compare(job);
  const bool is_taken =
      added && (added->as == store::AddedAs::added || added->as == store::AddedAs::updated);
  if (!is_taken) return added;
  Sums& sums = routes_[{job.type, job.model}];
  ++sums.jobs;
  sums.size.input_bytes += job.size.input_bytes;
  sums.size.output_max = sums.size.output_max.value_or(0) + job.size.output_max.value_or(0);
  sums.size.images += job.size.images;
  sums.size.raw_body |= job.size.raw_body;
  const auto seen_job = [&] {
    return SeenJob{job.id, job.type, job.model, job.line_json, files_.back(), job.line};
  };
  if (sums.jobs == 1) sums.first = seen_job();
  if (job.id == shown_id_) shown_ = seen_job();
  return added;
}

Result<void> WatchedLoader::commit() {
  if (check_) {
    RB_TRY(checked, check_(routes(), samples()));
  }
  return inner_ ? inner_->commit() : Result<void>{};
}

std::vector<store::StoredRoute> WatchedLoader::routes() const {
  std::vector<store::StoredRoute> routes;
  for (const auto& [names, sums] : routes_) {
    routes.push_back({RouteId{std::ssize(routes) + 1}, names.first, names.second});
  }
  return routes;
}

std::vector<SeenJob> WatchedLoader::samples() const {
  std::vector<SeenJob> samples;
  for (const auto& [names, sums] : routes_) samples.push_back(sums.first);
  return samples;
}

std::vector<run::JobClass> WatchedLoader::jobs() const {
  std::vector<run::JobClass> jobs;
  for (const auto& [names, sums] : routes_) {
    run::JobClass each{RouteId{std::ssize(jobs) + 1}, sums.jobs, sums.size};
    each.size.input_bytes /= sums.jobs;
    each.size.images /= sums.jobs;
    each.size.output_max = *each.size.output_max / sums.jobs;
    if (each.size.output_max == 0) each.size.output_max.reset();
    jobs.push_back(each);
  }
  return jobs;
}

}  // namespace ratebatch::cli
