#include <fmt/format.h>

#include <map>
#include <utility>

#include "cli/check_report.hpp"
#include "cli/commands.hpp"
#include "cli/find_settings.hpp"
#include "cli/job_request.hpp"
#include "cli/process_rules.hpp"
#include "cli/request_text.hpp"
#include "cli/watched_loader.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/job_line.hpp"
#include "ratebatch/input/read_key.hpp"
#include "ratebatch/input/render_job.hpp"
#include "ratebatch/run/catalog.hpp"
#include "ratebatch/run/job_files.hpp"
#include "ratebatch/run/load.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"

namespace ratebatch::cli {
namespace {

// The files that a job names.
Result<void> files_are_there(const input::JobLine& job, const std::string& job_file) {
  for (const std::string& path : job.files) {
    RB_TRY(checked, run::check_job_file(run::job_folder(job_file), path));
  }
  return {};
}

class Check {
 public:
  Check(const CheckOptions& options, const CommandContext& context)
      : options_(options), context_(context) {}

  Result<ExitCode> work() {
    RB_TRY(found, find_config());
    WatchedLoader loader{{}, options_.show.value_or("")};
    const run::LoadOptions how{.csv = options_.csv, .also_check = files_are_there};
    auto loaded = run::load_files(loader, config_, options_.files, how);
    if (!loaded) {
      Error error = with_advice(std::move(loaded.error()), report_.config_path);
      // A job whose own line is right is shown beside the lines that are not.
      const auto shown = loader.shown() ? show(*options_.show, loader) : ExitCode::done;
      if (!shown) error.message = shown.error().message + "\n" + error.message;
      return tl::unexpected<Error>(std::move(error));
    }
    report_.jobs = loaded->added;
    report_.forms = loaded->forms;
    report_.notes = std::move(loaded->notes);
    if (options_.show) return show(*options_.show, loader);
    auto lanes = add_lanes(loader);
    if (lanes) lanes = try_requests(loader);
    if (!lanes) return pass(lanes);
    const std::string text =
        context_.console.json() ? check_json(report_) + "\n" : check_text(report_);
    auto written = print(context_.console, text);
    return written ? verdict() : written;
  }

 private:
  Result<void> find_config() {
    std::string stored;
    // Of what the checkpoint holds, only a job to be shown matters here.
    if (options_.show && options_.files.empty()) {
      RB_TRY(opened, store::CheckpointReader::open(options_.common.db));
      reader_ = std::move(*opened);
      RB_TRY(status, reader_->status());
      stored = status->stamp.config_path;
    }
    RB_TRY(found, find_settings(options_.common, stored, options_.files));
    config_ = std::move(found->config);
    report_.config_path = std::move(found->path);
    report_.files = options_.files;
    return {};
  }

  // The models that the files use, or all configured ones.
  Result<void> add_lanes(const WatchedLoader& loader) {
    std::map<std::string, ModelSettings> models;
    if (options_.files.empty()) models = config_.models;
    for (const store::StoredRoute& route : loader.routes()) {
      RB_TRY(model, find_job_model(config_, route.type, route.model));
      models.emplace(model->name, *model);
    }
    for (const auto& [name, model] : models) add_lane(model);
    return {};
  }

  void add_lane(const ModelSettings& model) {
    CheckedLane lane{model, config_.providers.at(model.provider), {}, {}};
    hide_memory();
    for (const KeySource& source : run::key_sources(lane.provider, variable_names)) {
      auto key = input::read_key(source, context_.environment);
      lane.keys.push_back({source.name, key ? "" : key.error().message});
    }
    report_.lanes.push_back(std::move(lane));
  }

  // What an API cannot be asked shows only where a request is made of a job: one of each route.
  Result<void> try_requests(const WatchedLoader& loader) {
    for (const SeenJob& job : loader.samples()) {
      RB_TRY(model, find_job_model(config_, job.type, job.model));
      if (!model->enabled) continue;
      auto request = request_of_job(config_, job);
      if (!request) {
        return fail(request.error().code, fmt::format("job '{}' cannot be sent: {}",
                                                      escaped(job.id), request.error().message));
      }
      for (CheckedLane& lane : report_.lanes) {
        if (lane.model.name != model->name) continue;
        lane.requests.insert(fmt::format("{} {}", request->method, request->url));
      }
    }
    return {};
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
  Result<ExitCode> show(const std::string& id, const WatchedLoader& loader) {
    RB_TRY(job, job_to_show(id, loader));
    RB_TRY(request, request_of_job(config_, *job));
    RB_TRY(model, find_job_model(config_, job->type, job->model));
    const std::vector<KeySource>& keys = config_.providers.at(model->provider).keys;
    const std::string key = keys.empty() ? "none" : keys.front().name;
    return print(context_.console, context_.console.json()
                                       ? request_json(job->id, *request, key) + "\n"
                                       : request_text(*request, key));
  }

  Result<SeenJob> job_to_show(const std::string& id, const WatchedLoader& loader) {
    const std::optional<SeenJob>& of_files = loader.shown();
    if (of_files) return *of_files;
    if (!reader_) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("--show {}: no job of this id in the files", escaped(id)));
    }
    RB_TRY(stored, reader_->find_job(id));
    if (!*stored) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("--show {}: no job of this id in {}; name its file to look there",
                              escaped(id), escaped(options_.common.db)));
    }
    RB_TRY(line, input::parse_job_line((*stored)->line_json));
    return SeenJob{line->id, line->type, line->model, (*stored)->line_json, (*stored)->file, 0};
  }

  const CheckOptions& options_;
  const CommandContext& context_;
  Config config_;
  std::unique_ptr<store::CheckpointReader> reader_;
  CheckReport report_;
};

}  // namespace

Result<ExitCode> execute(const CheckOptions& options, const CommandContext& context) {
  return Check{options, context}.work();
}

}  // namespace ratebatch::cli
