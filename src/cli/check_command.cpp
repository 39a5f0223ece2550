#include <fmt/format.h>

#include <map>
#include <utility>

#include "cli/check_report.hpp"
#include "cli/checking_loader.hpp"
#include "cli/commands.hpp"
#include "cli/find_settings.hpp"
#include "cli/process_rules.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/job_line.hpp"
#include "ratebatch/input/render_job.hpp"
#include "ratebatch/provider/dialect.hpp"
#include "ratebatch/run/load.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"

namespace ratebatch {
namespace {

class Check {
 public:
  Check(const CheckOptions& options, const CommandContext& context)
      : options_(options), context_(context) {}

  Result<ExitCode> work() {
    auto found = find_config();
    if (!found) return pass(found);
    CheckingLoader loader{options_.show.value_or("")};
    auto loaded = load_files(loader, config_, options_.files, {});
    if (!loaded) {
      return tl::unexpected<Error>(with_advice(std::move(loaded.error()), report_.config_path));
    }
    report_.jobs = loaded->added;
    report_.notes = std::move(loaded->notes);
    if (options_.show) return show(*options_.show, loader);
    auto lanes = add_lanes(loader);
    if (!lanes) return pass(lanes);
    const std::string text =
        context_.console.json() ? check_json(report_) + "\n" : check_text(report_);
    auto written = context_.console.write(text);
    if (!written) return pass(written);
    return verdict();
  }

 private:
  Result<void> find_config() {
    std::string stored;
    // Of what the checkpoint holds, only a job to be shown matters here.
    if (options_.show && options_.files.empty()) {
      auto opened = CheckpointReader::open(options_.common.db);
      if (!opened) return pass(opened);
      reader_ = std::move(*opened);
      auto status = reader_->status();
      if (!status) return pass(status);
      stored = status->stamp.config_path;
    }
    const std::string first_file = options_.files.empty() ? "" : options_.files.front();
    auto found = find_settings(options_.common, stored, first_file);
    if (!found) return pass(found);
    config_ = std::move(found->config);
    report_.config_path = std::move(found->path);
    report_.files = options_.files;
    return {};
  }

  // The models that the files use, or all configured ones.
  Result<void> add_lanes(const CheckingLoader& loader) {
    std::map<std::string, ModelSettings> models;
    if (options_.files.empty()) models = config_.models;
    for (const StoredRoute& route : loader.routes()) {
      auto model = find_job_model(config_, route.type, route.model);
      if (!model) return pass(model);
      models.emplace(model->name, *model);
    }
    for (const auto& [name, model] : models) add_lane(model);
    return {};
  }

  void add_lane(const ModelSettings& model) {
    CheckedLane lane{model, config_.providers.at(model.provider), {}};
    hide_memory();
    for (const KeySource& source : lane.provider.keys) {
      auto key = read_key(source, context_.environment);
      lane.keys.push_back({source.name, key ? "" : key.error().message});
    }
    report_.lanes.push_back(std::move(lane));
  }

  Result<ExitCode> verdict() const {
    for (const CheckedLane& lane : report_.lanes) {
      if (!lane.model.enabled || lane.has_key()) continue;
      return fail(ErrorCode::no_key,
                  fmt::format("model {} has no usable key; 'ratebatch run --sandbox' needs none",
                              escaped(lane.model.name)));
    }
    return ExitCode::done;
  }

  // Prints the request of one job.
  Result<ExitCode> show(const std::string& id, const CheckingLoader& loader) {
    auto line = line_to_show(id, loader);
    if (!line) return pass(line);
    auto job = parse_job_line(*line);
    if (!job) return pass(job);
    auto model = find_job_model(config_, job->type, job->model);
    if (!model) return pass(model);
    auto content = render_job(*line, config_);
    if (!content) return pass(content);
    const ProviderSettings& provider = config_.providers.at(model->provider);
    const Dialect* dialect = find_dialect(provider.api);
    if (dialect == nullptr) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("provider '{}': api '{}' is not supported by this version",
                              escaped(provider.name), escaped(provider.api)));
    }
    auto request =
        dialect->request(*content, {provider.base_url, model->id, model->kind, model->timeout,
                                    provider.allow_http, provider.ca_file});
    if (!request) return pass(request);
    request->key_header = dialect->key_header();
    const std::string key = provider.keys.empty() ? "none" : provider.keys.front().name;
    auto written =
        context_.console.write(context_.console.json() ? request_json(job->id, *request, key) + "\n"
                                                       : request_text(*request, key));
    if (!written) return pass(written);
    return ExitCode::done;
  }

  Result<std::string> line_to_show(const std::string& id, const CheckingLoader& loader) {
    const std::optional<std::string>& of_files = loader.shown_line();
    if (of_files) return *of_files;
    if (!reader_) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("--show {}: no job of this id in the files", escaped(id)));
    }
    auto stored = reader_->find_job(id);
    if (!stored) return pass(stored);
    const std::optional<StoredJob> job = std::move(*stored);
    if (job) return job->line_json;
    return fail(ErrorCode::invalid_input,
                fmt::format("--show {}: no job of this id in {}; name its file to look there",
                            escaped(id), escaped(options_.common.db)));
  }

  const CheckOptions& options_;
  const CommandContext& context_;
  Config config_;
  std::unique_ptr<CheckpointReader> reader_;
  CheckReport report_;
};

}  // namespace

Result<ExitCode> check_setup(const CheckOptions& options, const CommandContext& context) {
  return Check{options, context}.work();
}

}  // namespace ratebatch
