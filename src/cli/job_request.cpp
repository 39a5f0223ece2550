#include "cli/job_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string>
#include <utility>

#include "ratebatch/base/text.hpp"
#include "ratebatch/input/job_file.hpp"
#include "ratebatch/input/render_job.hpp"
#include "ratebatch/run/catalog.hpp"
#include "ratebatch/run/job_files.hpp"

namespace ratebatch::cli {
namespace {

// As the user named the file.
input::LineError error_at(const SeenJob& job, const std::vector<std::string>& files,
                          std::string why) {
  const auto is_its = [&](const std::string& file) {
    std::error_code ignored;
    return std::filesystem::absolute(file, ignored).lexically_normal() == job.file;
  };
  const auto given = std::find_if(files.begin(), files.end(), is_its);
  return {given == files.end() ? job.file : *given, job.line, std::move(why)};
}

// Why no request can be made of a job, if none can.
std::optional<Error> unsendable(const Config& config, const SeenJob& job) {
  auto model = find_job_model(config, job.type, job.model);
  if (!model) return model.error();
  auto content = input::render_job(job.line_json, config);
  if (!model->enabled || (content && !content->files.empty())) return std::nullopt;
  auto request = request_of_job(config, job);
  return request ? std::nullopt : std::optional{request.error()};
}

}  // namespace

Result<HttpRequest> request_of_job(const Config& config, const SeenJob& job) {
  RB_TRY(model, find_job_model(config, job.type, job.model));
  RB_TRY(content, input::render_job(job.line_json, config));
  RB_TRY(read, run::read_job_files(run::job_folder(job.file), content->files));
  const ProviderSettings& provider = config.providers.at(model->provider);
  RB_TRY(dialect, run::dialect_of(provider));
  const Endpoint endpoint = run::endpoint_of(provider, *model);
  auto request = (*dialect)->request(*content, endpoint);
  if (request) request->key_header = (*dialect)->key_header(endpoint);
  return request;
}

Result<void> check_sendable(const Config& config, const std::vector<SeenJob>& jobs,
                            const RunOptions& options, Console& console) {
  std::string complaint;
  for (const SeenJob& job : jobs) {
    const auto why = unsendable(config, job);
    if (!why) continue;
    const input::LineError error =
        error_at(job, options.files,
                 fmt::format("job '{}' cannot be sent: {}", escaped(job.id), why->message));
    if (options.skip_invalid)
      console.warn(input::to_text(error) + "; it will fail, and cost nothing");
    complaint += input::to_text(error) + "\n";
  }
  if (complaint.empty() || options.skip_invalid) return {};
  return fail(ErrorCode::invalid_input,
              complaint +
                  "nothing was loaded; mend the job or the settings of its type and model, or let "
                  "such jobs fail unsent with --skip-invalid");
}

}  // namespace ratebatch::cli
