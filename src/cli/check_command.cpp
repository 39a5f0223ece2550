#include <fmt/format.h>

#include <map>
#include <utility>

#include "cli/check_report.hpp"
#include "cli/commands.hpp"
#include "cli/find_settings.hpp"
#include "cli/job_request.hpp"
#include "cli/process_rules.hpp"
#include "cli/watched_loader.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/job_line.hpp"
#include "ratebatch/input/read_key.hpp"
#include "ratebatch/run/catalog.hpp"
#include "ratebatch/run/job_files.hpp"
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
    RB_TRY(configured, find_config());
    WatchedLoader loader{{}, {}, options_.show.value_or("")};
    auto loaded = load_jobs(loader, found_, options_.files,
                            {.csv = options_.csv, .also_check = files_are_there});
    if (!loaded) {
      // A job whose own line is right is shown beside the lines that are not.
      const auto shown = loader.shown() ? show(*options_.show, loader) : ExitCode::done;
      if (shown) return pass(loaded);
      return fail(loaded.error().code, shown.error().message + "\n" + loaded.error().message);
    }
    if (options_.show) return show(*options_.show, loader);
    RB_TRY(added, add_lanes(loader));
    RB_TRY(tried, try_requests(loader));
    const CheckReport report{found_.path, options_.files, std::move(*loaded), lanes_};
    RB_TRY(written, context_.console.write(context_.console.json() ? check_json(report) + "\n"
                                                                   : check_text(report)));
    for (const CheckedLane& lane : lanes_) {
      if (!lane.model.enabled || lane.has_key) continue;
      return fail(ErrorCode::no_key,
                  fmt::format("model {} has no usable key; 'ratebatch run --sandbox' needs none",
                              escaped(lane.model.name)));
    }
    return ExitCode::done;
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
    found_ = std::move(*found);
    return {};
  }

  // The models that the files use, or all configured ones.
  Result<void> add_lanes(const WatchedLoader& loader) {
    std::map<std::string, ModelSettings> models;
    if (options_.files.empty()) models = found_.config.models;
    for (const store::StoredRoute& route : loader.routes()) {
      RB_TRY(model, find_job_model(found_.config, route.type, route.model));
      models.emplace(model->name, *model);
    }
    hide_memory();
    for (const auto& [name, model] : models) {
      CheckedLane lane{model, found_.config.providers.at(model.provider), {}, {}};
      for (const KeySource& source : run::key_sources(lane.provider, variable_names)) {
        auto key = input::read_key(source, context_.environment);
        lane.keys.push_back({source.name, key ? "" : key.error().message});
        lane.has_key |= key.has_value();
      }
      lanes_.push_back(std::move(lane));
    }
    return {};
  }

  // What an API cannot be asked shows only where a request is made of a job: one of each route.
  Result<void> try_requests(const WatchedLoader& loader) {
    for (const SeenJob& job : loader.samples()) {
      RB_TRY(model, find_job_model(found_.config, job.type, job.model));
      if (!model->enabled) continue;
      auto request = request_of_job(found_.config, job);
      if (!request) {
        return fail(request.error().code, fmt::format("job '{}' cannot be sent: {}",
                                                      escaped(job.id), request.error().message));
      }
      for (CheckedLane& lane : lanes_) {
        if (lane.model.name != model->name) continue;
        lane.requests.insert(fmt::format("{} {}", request->method, request->url));
      }
    }
    return {};
  }

  // Prints the request of one job.
  Result<ExitCode> show(const std::string& id, const WatchedLoader& loader) {
    RB_TRY(job, job_to_show(id, loader));
    RB_TRY(request, request_of_job(found_.config, *job));
    RB_TRY(model, find_job_model(found_.config, job->type, job->model));
    const std::vector<KeySource>& keys = found_.config.providers.at(model->provider).keys;
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
  FoundConfig found_;
  std::unique_ptr<store::CheckpointReader> reader_;
  std::vector<CheckedLane> lanes_;
};

}  // namespace

Result<ExitCode> execute(const CheckOptions& options, const CommandContext& context) {
  return Check{options, context}.work();
}

}  // namespace ratebatch::cli
