#include "cli/run_setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/find_settings.hpp"
#include "cli/job_request.hpp"
#include "cli/output_guard.hpp"
#include "cli/process_rules.hpp"
#include "cli/watched_loader.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/job_line.hpp"
#include "ratebatch/run/answer_files.hpp"
#include "ratebatch/run/load.hpp"

namespace ratebatch::cli {
namespace {

class Setup {
 public:
  Setup(const RunOptions& options, const CommandContext& context)
      : options_(options), context_(context) {}

  Result<RunSetup> make() {
    RB_TRY(opened, open());
    auto prepared = guard();
    if (prepared) prepared = prepare();
    if (!prepared) {
      setup_.checkpoint->discard_if_created();
      return pass(prepared);
    }
    return std::move(setup_);
  }

 private:
  // Configuration and checkpoint. A resumed checkpoint knows its configuration; a new one is told.
  Result<void> open() {
    if (options_.files.empty()) {
      RB_TRY(checkpoint,
             store::SqliteCheckpoint::open(options_.common.db, store::OpenMode::must_exist, {}));
      setup_.checkpoint = std::move(*checkpoint);
      if (setup_.checkpoint->counts().jobs().total() == 0) {
        return fail(ErrorCode::not_found,
                    escaped(setup_.checkpoint->path()) +
                        " holds no jobs: its first load did not end; load them with: ratebatch "
                        "run FILE");
      }
      return find_config(setup_.checkpoint->stamp().config_path);
    }
    RB_TRY(found, find_config(""));
    const store::CheckpointStamp stamp{options_.sandbox.has_value(), options_.sandbox.value_or(""),
                                       config_path_};
    RB_TRY(checkpoint, store::SqliteCheckpoint::open(options_.common.db,
                                                     store::OpenMode::create_or_open, stamp));
    setup_.checkpoint = std::move(*checkpoint);
    // Left behind by a first load that was killed: as good as new.
    if (setup_.checkpoint->counts().jobs().total() == 0) {
      RB_TRY(stamped, setup_.checkpoint->set_stamp(stamp));
    }
    // Started from elsewhere, where no configuration lies about: the one used last holds.
    const std::string& stored = setup_.checkpoint->stamp().config_path;
    return config_path_.empty() && !stored.empty() ? find_config(stored) : Result<void>{};
  }

  Result<void> find_config(const std::string& stored) {
    RB_TRY(found, find_settings(options_.common, stored, options_.files));
    setup_.config = std::move(found->config);
    if (options_.pause_at_per_mille) set_pause_at(setup_.config, *options_.pause_at_per_mille);
    config_path_ = std::move(found->path);
    context_.console.detail("configuration: " +
                            (config_path_.empty() ? "built in" : escaped(config_path_)));
    return {};
  }

  // What the command line does not say is read, too.
  Result<void> guard() const {
    const std::vector<OutputPath> outputs = outputs_of(options_);
    auto guarded = guard_config(outputs, setup_.config, config_path_);
    if (!guarded || outputs.empty()) return guarded;
    RB_TRY(reader, store::CheckpointReader::open(options_.common.db));
    return guard_stored(outputs, **reader);
  }

  Result<void> prepare() {
    RB_TRY(checked, check_stamp());
    RB_TRY(started, start_sandbox());
    RB_TRY(loaded, load());
    RB_TRY(catalog, make_catalog_of_open_jobs());
    if (config_path_ == setup_.checkpoint->stamp().config_path) return {};
    store::CheckpointStamp stamp = setup_.checkpoint->stamp();
    stamp.config_path = config_path_;
    return setup_.checkpoint->set_stamp(stamp);
  }

  // Jobs for the stand-in and jobs for real providers never share a checkpoint.
  Result<void> check_stamp() const {
    const store::CheckpointStamp& stamp = setup_.checkpoint->stamp();
    const std::string path = escaped(setup_.checkpoint->path());
    if (!stamp.sandbox && options_.sandbox) {
      return fail(ErrorCode::invalid_input,
                  path +
                      " is a live checkpoint, and --sandbox would answer its jobs with invented "
                      "texts; use another --db, such as --db sandbox.db");
    }
    if (stamp.sandbox && !options_.sandbox && !options_.files.empty()) {
      return fail(ErrorCode::invalid_input,
                  path +
                      " is a SANDBOX checkpoint; add --sandbox, or use another --db for the "
                      "real providers, such as --db live.db");
    }
    return {};
  }

  Result<void> start_sandbox() {
    const store::CheckpointStamp& stamp = setup_.checkpoint->stamp();
    if (!stamp.sandbox) return {};
    RB_TRY(options, sandbox_for(setup_.config, options_.sandbox.value_or(stamp.sandbox_options)));
    RB_TRY(server, sandbox::SandboxServer::start(*options));
    setup_.sandbox = std::move(*server);
    // The stand-in has the limits as they are, and compresses them itself.
    setup_.config = for_sandbox(std::move(setup_.config), *options);
    context_.console.say(
        fmt::format("SANDBOX: requests go to {} on this machine, none to a provider",
                    setup_.sandbox->base_url()));
    return {};
  }

  Result<void> load() {
    if (options_.files.empty()) return {};
    const std::int64_t open_before = setup_.checkpoint->counts().jobs().open();
    RB_TRY(routes, open_routes());
    RB_TRY(loader, setup_.checkpoint->begin_load(input::same_job_content));
    const auto check = [&](const std::vector<store::StoredRoute>& added,
                           const std::vector<SeenJob>& first) -> Result<void> {
      std::vector<store::StoredRoute> all = *routes;
      all.insert(all.end(), added.begin(), added.end());
      std::vector<std::string> told_later;
      RB_TRY(catalog, catalog_of(switched_on(all), told_later));
      return check_sendable(setup_.config, first, options_, context_.console);
    };
    WatchedLoader checked{std::move(*loader), check};
    auto report = run::load_files(checked, setup_.config, options_.files,
                                  {options_.skip_invalid, options_.update, options_.csv});
    if (!report) {
      return tl::unexpected<Error>(with_advice(std::move(report.error()), config_path_));
    }
    tell(*report, open_before);
    return {};
  }

  void tell(const run::LoadReport& report, std::int64_t open_before) const {
    std::string text = "loaded " + counted(report.added, "job", "jobs");
    const auto add = [&](std::int64_t count, std::string_view what) {
      if (count > 0) text += fmt::format(", {} {}", grouped(count), what);
    };
    add(report.same, "known already");
    add(report.updated, "changed");
    add(report.kept, "changed but finished before: they keep their results");
    add(report.rejected, "rejected");
    if (report.files_unchanged > 0) {
      text += fmt::format(", {} not read again",
                          counted(report.files_unchanged, "unchanged file", "unchanged files"));
    }
    context_.console.say(text);
    for (const std::string& note : report.notes) context_.console.say(note);
    if (open_before > 0) {
      context_.console.say("also continuing " + counted(open_before, "job", "jobs"));
    }
  }

  Result<void> make_catalog_of_open_jobs() {
    RB_TRY(routes, open_routes());
    const std::vector<store::StoredRoute> served = switched_on(*routes);
    std::vector<std::string> warnings;
    RB_TRY(catalog, catalog_of(served, warnings));
    setup_.catalog = std::move(*catalog);
    for (const std::string& warning : warnings) context_.console.warn(warning);
    const store::Counts& counts = setup_.checkpoint->counts();
    setup_.switched_off = counts.jobs().open();
    for (const store::StoredRoute& route : served) {
      setup_.switched_off -= counts.open(route.id);
    }
    for (RouteSettings& route : setup_.catalog.lanes.routes) {
      route.proven = counts.routes.at(route.route).of(JobState::done) > 0;
    }
    return {};
  }

  Result<std::vector<store::StoredRoute>> open_routes() {
    RB_TRY(routes, setup_.checkpoint->routes());
    const store::Counts& counts = setup_.checkpoint->counts();
    std::erase_if(*routes, [&](const auto& route) { return counts.open(route.id) == 0; });
    return std::move(*routes);
  }

  // Without the routes whose model is switched off. Unknown models stay: making the catalog
  // complains about them.
  std::vector<store::StoredRoute> switched_on(std::vector<store::StoredRoute> routes) const {
    std::erase_if(routes, [&](const store::StoredRoute& route) {
      auto model = find_job_model(setup_.config, route.type, route.model);
      return model && !model->enabled;
    });
    return routes;
  }

  Result<run::Catalog> catalog_of(const std::vector<store::StoredRoute>& routes,
                                  std::vector<std::string>& warnings) const {
    const run::KeyReader reader = [&](const KeySource& source) -> Result<Secret> {
      // A run that only loads sends nothing: a machine without keys will do.
      if (options_.jobs_max == 0) return Secret{"unused"};
      hide_memory();
      return input::read_key(source, context_.environment);
    };
    run::CatalogOptions options;
    options.variables = variable_names;
    if (setup_.sandbox) options.sandbox_base_url = setup_.sandbox->base_url();
    RB_TRY(catalog, run::make_catalog(setup_.config, routes, reader, options, warnings));
    if (options_.cost_max) {
      RB_TRY(priced, check_prices(catalog->lanes));
    }
    const auto makes_files = [](const Endpoint& e) {
      return e.kind == ModelKind::image || e.kind == ModelKind::speech;
    };
    if (std::any_of(catalog->endpoints.begin(), catalog->endpoints.end(), makes_files)) {
      RB_TRY(prepared, run::prepare_assets_folder(assets_folder(setup_.config, options_.common.db,
                                                                setup_.sandbox != nullptr)));
    }
    return catalog;
  }

  // What is spent on a model without a price nobody knows.
  static Result<void> check_prices(const Lanes& lanes) {
    for (const LaneSettings& lane : lanes.lanes) {
      if (lane.price) continue;
      return fail(
          ErrorCode::invalid_input,
          fmt::format("--max-cost needs the price of model {}: add 'price:' below it in the "
                      "configuration",
                      escaped(lane.model)));
    }
    return {};
  }

  const RunOptions& options_;
  const CommandContext& context_;
  RunSetup setup_;
  std::string config_path_;
};

}  // namespace

Result<RunSetup> set_up_run(const RunOptions& options, const CommandContext& context) {
  return Setup{options, context}.make();
}

}  // namespace ratebatch::cli
