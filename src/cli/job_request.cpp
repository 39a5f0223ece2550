#include "cli/job_request.hpp"

#include <fmt/format.h>

#include "ratebatch/base/text.hpp"
#include "ratebatch/input/render_job.hpp"
#include "ratebatch/provider/dialect.hpp"
#include "ratebatch/run/job_files.hpp"

namespace ratebatch {

Result<HttpRequest> request_of_job(const Config& config, const SeenJob& job, JobFilesRule files) {
  auto model = find_job_model(config, job.type, job.model);
  if (!model) return pass(model);
  auto content = render_job(job.line_json, config);
  if (!content) return pass(content);
  if (files == JobFilesRule::read) {
    auto read = read_job_files(job_folder(job.file), content->files);
    if (!read) return pass(read);
  }
  const ProviderSettings& provider = config.providers.at(model->provider);
  const Dialect* dialect = find_dialect(provider.api);
  if (dialect == nullptr) {
    return fail(ErrorCode::invalid_input,
                fmt::format("provider '{}': api '{}' is not supported by this version",
                            escaped(provider.name), escaped(provider.api)));
  }
  const Endpoint endpoint{provider.base_url,   model->id,        model->kind, model->timeout,
                          provider.allow_http, provider.ca_file, model->http};
  auto request = dialect->request(*content, endpoint);
  if (request) request->key_header = dialect->key_header(endpoint);
  return request;
}

Result<void> check_sendable(const Config& config, const std::vector<SeenJob>& jobs) {
  for (const SeenJob& job : jobs) {
    auto model = find_job_model(config, job.type, job.model);
    if (!model) return pass(model);
    auto content = render_job(job.line_json, config);
    if (!model->enabled || (content && !content->files.empty())) continue;
    auto request = request_of_job(config, job, JobFilesRule::blank);
    if (!request) {
      return fail(ErrorCode::invalid_input, fmt::format("job '{}' cannot be sent: {}",
                                                        escaped(job.id), request.error().message));
    }
  }
  return {};
}

}  // namespace ratebatch
