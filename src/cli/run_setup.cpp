#include "cli/run_setup.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "cli/job_request.hpp"
#include "cli/output_guard.hpp"
#include "cli/process_rules.hpp"
#include "cli/watched_loader.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/job_line.hpp"
#include "ratebatch/run/answer_files.hpp"

namespace ratebatch::cli {
namespace {

class Setup {
 public:
  Setup(const RunOptions& options, const CommandContext& context)
      : options_(options), context_(context) {}

  Result<RunSetup> make() {
    RB_TRY(opened, open());
    auto prepared = prepare();
    if (prepared) return std::move(setup_);
    setup_.checkpoint->discard_if_created();
    return pass(prepared);
  }

 private:
  [[nodiscard]] Config& config() { return setup_.found.config; }
  [[nodiscard]] const std::string& config_path() const { return setup_.found.path; }

  // Opens configuration and checkpoint. A checkpoint that exists names its configuration; a new one
  // gets its path.
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
                                       config_path()};
    RB_TRY(checkpoint, store::SqliteCheckpoint::open(options_.common.db,
                                                     store::OpenMode::create_or_open, stamp));
    setup_.checkpoint = std::move(*checkpoint);
    // Left behind by a first load that was killed: as good as new.
    if (setup_.checkpoint->counts().jobs().total() == 0) {
      RB_TRY(stamped, setup_.checkpoint->set_stamp(stamp));
    }
    // Started from elsewhere, where no configuration lies about: the one used last holds.
    const std::string& stored = setup_.checkpoint->stamp().config_path;
    return config_path().empty() && !stored.empty() ? find_config(stored) : Result<void>{};
  }

  Result<void> find_config(const std::string& stored) {
    RB_TRY(found, find_settings(options_.common, stored, options_.files));
    setup_.found = std::move(*found);
    set_pause_at(config(), options_.pause_at_per_mille);
    context_.console.detail("configuration: " +
                            (config_path().empty() ? "built in" : escaped(config_path())));
    return {};
  }

  // What the command line does not say is read, too.
  Result<void> guard() const {
    const std::vector<OutputPath> outputs = outputs_of(options_);
    RB_TRY(guarded, guard_config(outputs, setup_.found));
    if (outputs.empty()) return {};
    RB_TRY(reader, store::CheckpointReader::open(options_.common.db));
    return guard_stored(outputs, **reader);
  }

  Result<void> prepare() {
    RB_TRY(guarded, guard());
    RB_TRY(checked, check_stamp());
    RB_TRY(started, start_sandbox());
    RB_TRY(loaded, load());
    RB_TRY(catalog, make_catalog_of_open_jobs());
    store::CheckpointStamp stamp = setup_.checkpoint->stamp();
    if (std::exchange(stamp.config_path, config_path()) == config_path()) return {};
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
    RB_TRY(options, sandbox_for(config(), options_.sandbox.value_or(stamp.sandbox_options)));
    RB_TRY(server, sandbox::SandboxServer::start(*options));
    setup_.sandbox = std::move(*server);
    // The stand-in has the limits as they are, and compresses them itself.
    config() = for_sandbox(std::move(config()), *options);
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
      std::vector<std::string> warnings;
      RB_TRY(catalog, catalog_of(std::move(all), warnings));
      return check_sendable(config(), first, options_, context_.console);
    };
    WatchedLoader checked{check, std::move(*loader)};
    RB_TRY(report, load_jobs(checked, setup_.found, options_.files,
                             {options_.skip_invalid, options_.update, options_.csv}));
    print_report(*report, open_before);
    return {};
  }

  void print_report(const run::LoadReport& report, std::int64_t open_before) const {
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
    std::vector<std::string> warnings;
    RB_TRY(catalog, catalog_of(std::move(*routes), warnings));
    setup_.catalog = std::move(*catalog);
    for (const std::string& warning : warnings) context_.console.warn(warning);
    const store::Counts& counts = setup_.checkpoint->counts();
    setup_.switched_off = counts.jobs().open();
    for (RouteSettings& route : setup_.catalog.lanes.routes) {
      setup_.switched_off -= counts.open(route.route);
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
  Result<run::Catalog> catalog_of(std::vector<store::StoredRoute> routes,
                                  std::vector<std::string>& warnings) const {
    std::erase_if(routes, [&](const store::StoredRoute& route) {
      auto model = find_job_model(setup_.found.config, route.type, route.model);
      return model && !model->enabled;
    });
    const run::KeyReader reader = [&](const KeySource& source) -> Result<Secret> {
      // A run that only loads sends nothing: a machine without keys will do.
      if (options_.jobs_max == 0) return Secret{"unused"};
      hide_memory();
      return input::read_key(source, context_.environment);
    };
    run::CatalogOptions options;
    options.variables = variable_names;
    if (setup_.sandbox) options.sandbox_base_url = setup_.sandbox->base_url();
    RB_TRY(catalog, run::make_catalog(setup_.found.config, routes, reader, options, warnings));
    // What is spent on a model without a price nobody knows.
    for (const LaneSettings& lane : catalog->lanes.lanes) {
      if (!options_.cost_max || lane.price) continue;
      return fail(
          ErrorCode::invalid_input,
          fmt::format("--max-cost needs the price of model {}: add 'price:' below it in the "
                      "configuration",
                      escaped(lane.model)));
    }
    const auto makes_files = [](const Endpoint& e) {
      return e.kind == ModelKind::image || e.kind == ModelKind::speech;
    };
    if (std::any_of(catalog->endpoints.begin(), catalog->endpoints.end(), makes_files)) {
      RB_TRY(prepared, run::prepare_assets_folder(assets_folder(
                           setup_.found.config, options_.common.db, setup_.sandbox != nullptr)));
    }
    return catalog;
  }

  const RunOptions& options_;
  const CommandContext& context_;
  RunSetup setup_;
};

}  // namespace

Result<RunSetup> set_up_run(const RunOptions& options, const CommandContext& context) {
  return Setup{options, context}.make();
}

}  // namespace ratebatch::cli
