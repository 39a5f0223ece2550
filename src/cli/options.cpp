#include "ratebatch/cli/options.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>
#include <algorithm>
#include <memory>

#include "cli/help_text.hpp"
#include "cli/option_checks.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::cli {
namespace {

std::unique_ptr<CLI::App> make_app() {
  auto app = std::make_unique<CLI::App>();
  app->set_help_flag();
  app->allow_extras();
  return app;
}

CLI::Option* add_value(CLI::App& app, const std::string& name, std::string& value) {
  return app.add_option(name, value)->take_last();
}

void add_common(CLI::App& app, RawCommon& raw) {
  add_value(app, "--db", raw.db);
  add_value(app, "--config", raw.config);
  add_value(app, "--log-file", raw.log_file);
  add_value(app, "--color", raw.color);
  app.add_flag("--json", raw.json);
  app.add_flag("-q,--quiet", raw.quiet);
  app.add_flag("-v,--verbose", raw.verbose);
  app.add_flag("-h,--help", raw.help);
  app.add_flag("--version", raw.version);
}

void add_run(CLI::App& app, RawRun& raw) {
  add_value(app, "-j,--workers", raw.workers);
  add_value(app, "--grace", raw.grace);
  add_value(app, "--on-unknown", raw.on_unknown);
  // A flag: it takes a value behind '=' only, never the next argument.
  app.add_flag("--sandbox", raw.sandbox)->take_last();
  add_value(app, "-o,--output", raw.output);
  add_value(app, "--max-jobs", raw.max_jobs);
  add_value(app, "--max-runtime", raw.max_runtime);
  add_value(app, "--max-cost", raw.max_cost);
  add_value(app, "--pause-at", raw.pause_at);
  add_value(app, "--deadline", raw.deadline);
  app.add_flag("--no-wait", raw.no_wait);
  app.add_flag("-n,--dry-run", raw.dry_run);
}

void add_csv(CLI::App& app, input::CsvColumns& columns) {
  add_value(app, "--type", columns.type);
  add_value(app, "--id-column", columns.id_column);
}

std::vector<std::string> option_names(const CLI::App& app) {
  std::vector<std::string> names;
  for (const CLI::Option* option : app.get_options()) {
    for (const std::string& name : option->get_lnames()) names.push_back("--" + name);
  }
  return names;
}

// Complains about what no option took.
std::optional<UsageError> check_rest(const CLI::App& app) {
  const std::vector<std::string> rest = app.remaining();
  for (const std::string& argument : rest) {
    if (argument.size() < 2 || argument.front() != '-') continue;
    const std::string name = argument.substr(0, argument.find('='));
    return UsageError{
        fmt::format("unknown option '{}'{}", escaped(name), did_you_mean(name, option_names(app)))};
  }
  if (rest.empty()) return std::nullopt;
  return UsageError{fmt::format("unexpected argument '{}'", escaped(rest.front()))};
}

std::optional<UsageError> parse(CLI::App& app, std::vector<std::string> arguments) {
  std::reverse(arguments.begin(), arguments.end());
  try {
    app.parse(arguments);
  } catch (const CLI::ArgumentMismatch& e) {
    const std::string text = e.what();
    return UsageError{fmt::format("{} needs a value", escaped(text.substr(0, text.find(':'))))};
  } catch (const CLI::Error& e) {
    return UsageError{escaped(e.what())};
  }
  return check_rest(app);
}

// Options that may be given again, one value each.
void add_list(CLI::App& app, const std::string& name, std::vector<std::string>& values) {
  app.add_option(name, values)->expected(1)->take_all()->allow_extra_args(false);
}

// Reads the arguments of one command.
class CommandLine {
 public:
  CommandLine(std::string command, RawCommon raw, const input::EnvironmentLookup& environment)
      : command_(std::move(command)),
        raw_(std::move(raw)),
        environment_(environment),
        app_(make_app()) {
    add_common(*app_, raw_);
  }

  ParsedCommandLine read(const std::vector<std::string>& arguments) {
    if (command_ == "run" || command_ == "resume") return read_run(arguments);
    if (command_ == "status") return read_status(arguments);
    if (command_ == "results") return read_results(arguments);
    if (command_ == "retry") return read_retry(arguments);
    if (command_ == "check") return read_check(arguments);
    if (command_ == "sandbox") return read_sandbox(arguments);
    if (command_ == "quota") return read_quota(arguments);
    if (command_ == "tiers") return read_tiers(arguments);
    if (command_ == "plan") return read_plan(arguments);
    return finish(arguments, InitOptions{});
  }

 private:
  ParsedCommandLine refuse(const UsageError& error) const {
    return EarlyExit{ExitCode::bad_usage,
                     fmt::format("{}; see 'ratebatch {} --help'", error.message, command_)};
  }

  // Parses, then fills in the common options. `check` completes the command's own ones.
  template <typename Options, typename Check>
  ParsedCommandLine finish(const std::vector<std::string>& arguments, Options options,
                           const Check& check) {
    auto error = parse(*app_, arguments);
    // Help wins over anything else that may be wrong.
    if (raw_.help) return EarlyExit{ExitCode::done, command_help(command_)};
    if (!error) error = check_common(raw_, environment_, options.common);
    if (!error && raw_.version) return Command{VersionOptions{options.common}};
    if (!error) error = check(options);
    if (error) return refuse(*error);
    return Command{std::move(options)};
  }

  template <typename Options>
  ParsedCommandLine finish(const std::vector<std::string>& arguments, Options options) {
    return finish(arguments, std::move(options),
                  [](const Options&) { return std::optional<UsageError>{}; });
  }

  ParsedCommandLine read_run(const std::vector<std::string>& arguments) {
    RawRun raw;
    RunOptions options;
    add_run(*app_, raw);
    bool skip_invalid = false;
    bool update = false;
    input::CsvColumns csv;
    if (command_ == "run") {
      app_->add_option("files", raw.files);
      add_csv(*app_, csv);
      app_->add_flag("--skip-invalid", skip_invalid);
      app_->add_flag("--update", update);
    }
    return finish(arguments, std::move(options), [&](RunOptions& o) {
      o.probe_pauses = command_ == "resume";
      o.skip_invalid = skip_invalid;
      o.update = update;
      o.csv = csv;
      return check_run(raw, o);
    });
  }

  ParsedCommandLine read_status(const std::vector<std::string>& arguments) {
    bool failed = false;
    bool exit_code = false;
    std::string lane;
    app_->add_flag("--failed", failed);
    app_->add_flag("--exit-code", exit_code);
    add_value(*app_, "--lane", lane);
    return finish(arguments, StatusOptions{}, [&](StatusOptions& o) {
      o.failed = failed;
      o.exit_code = exit_code;
      if (!lane.empty()) o.lane = lane;
      return std::optional<UsageError>{};
    });
  }

  ParsedCommandLine read_results(const std::vector<std::string>& arguments) {
    RawResults raw;
    bool in_order = false;
    bool follow = false;
    add_value(*app_, "-o,--output", raw.output);
    add_value(*app_, "--format", raw.format);
    add_value(*app_, "--columns", raw.columns);
    add_value(*app_, "--errors", raw.errors);
    app_->add_flag("--in-order", in_order);
    app_->add_flag("--follow", follow);
    return finish(arguments, ResultsOptions{}, [&](ResultsOptions& o) {
      o.in_order = in_order;
      o.follow = follow;
      return check_results(raw, o);
    });
  }

  ParsedCommandLine read_retry(const std::vector<std::string>& arguments) {
    RetryOptions chosen;
    app_->add_flag("--failed", chosen.failed);
    app_->add_flag("--unknown", chosen.unknown);
    app_->add_flag("--truncated", chosen.truncated);
    app_->add_flag("--changed", chosen.changed);
    add_list(*app_, "--class", chosen.classes);
    add_list(*app_, "--id", chosen.ids);
    return finish(arguments, RetryOptions{}, [&](RetryOptions& o) {
      chosen.common = o.common;
      o = chosen;
      return check_retry(o);
    });
  }

  ParsedCommandLine read_check(const std::vector<std::string>& arguments) {
    std::vector<std::string> files;
    std::string show;
    input::CsvColumns csv;
    app_->add_option("files", files);
    add_csv(*app_, csv);
    add_value(*app_, "--show", show);
    return finish(arguments, CheckOptions{}, [&](CheckOptions& o) {
      o.files = files;
      o.csv = csv;
      if (!show.empty()) o.show = show;
      return check_csv(files, csv);
    });
  }

  ParsedCommandLine read_sandbox(const std::vector<std::string>& arguments) {
    const std::vector<std::string> settings = sandbox::sandbox_option_names();
    std::vector<std::string> values(settings.size());
    for (std::size_t i = 0; i < values.size(); ++i) {
      std::string name = settings[i];
      std::replace(name.begin(), name.end(), '_', '-');
      add_value(*app_, "--" + name, values[i]);
    }
    return finish(arguments, SandboxCommandOptions{}, [&](SandboxCommandOptions& o) {
      for (std::size_t i = 0; i < values.size(); ++i) {
        if (values[i].empty()) continue;
        if (!o.settings.empty()) o.settings += ",";
        o.settings += fmt::format("{}={}", settings[i], values[i]);
      }
      auto read = sandbox::parse_sandbox_options(o.settings);
      return read ? std::nullopt : std::optional{UsageError{read.error().message}};
    });
  }

  ParsedCommandLine read_quota(const std::vector<std::string>& arguments) {
    RawQuota raw;
    app_->add_option("words", raw.words);
    add_value(*app_, "--key", raw.key);
    return finish(arguments, QuotaCommandOptions{},
                  [&](QuotaCommandOptions& o) { return check_quota(raw, o); });
  }

  ParsedCommandLine read_tiers(const std::vector<std::string>& arguments) {
    std::string provider;
    app_->add_option("provider", provider);
    return finish(arguments, TiersOptions{}, [&](TiersOptions& o) {
      if (!provider.empty()) o.provider = provider;
      return std::optional<UsageError>{};
    });
  }

  ParsedCommandLine read_plan(const std::vector<std::string>& arguments) {
    RawPlan raw;
    PlanOptions options;
    app_->add_option("files", options.files);
    add_csv(*app_, options.csv);
    add_value(*app_, "-j,--workers", raw.workers);
    add_value(*app_, "--waves", raw.waves);
    add_value(*app_, "--deadline", raw.deadline);
    add_value(*app_, "--latency", raw.latency);
    add_value(*app_, "--tokens", raw.tokens);
    return finish(arguments, PlanOptions{}, [&](PlanOptions& o) {
      o.files = options.files;
      o.csv = options.csv;
      if (auto error = check_csv(o.files, o.csv)) return std::optional{*error};
      return check_plan(raw, o);
    });
  }

  std::string command_;
  RawCommon raw_;
  const input::EnvironmentLookup& environment_;
  std::unique_ptr<CLI::App> app_;
};

EarlyExit unknown_command(const std::string& name) {
  const bool is_option = name.size() > 1 && name.front() == '-';
  if (is_option) {
    return {ExitCode::bad_usage,
            fmt::format("unknown option '{}' before the command; see 'ratebatch --help'",
                        escaped(name))};
  }
  return {ExitCode::bad_usage, fmt::format("unknown command '{}'{}; see 'ratebatch --help'",
                                           escaped(name), did_you_mean(name, command_names()))};
}

bool is_command(const std::string& name) {
  const std::vector<std::string> names = command_names();
  return std::find(names.begin(), names.end(), name) != names.end();
}

}  // namespace

ParsedCommandLine parse_command_line(const std::vector<std::string>& arguments,
                                     const input::EnvironmentLookup& environment) {
  RawCommon raw;
  auto app = make_app();
  add_common(*app, raw);
  app->prefix_command();
  std::vector<std::string> reversed{arguments.rbegin(), arguments.rend()};
  try {
    app->parse(reversed);
  } catch (const CLI::Error& e) {
    return EarlyExit{ExitCode::bad_usage,
                     fmt::format("{}; see 'ratebatch --help'", escaped(e.what()))};
  }
  std::vector<std::string> rest = app->remaining();
  if (!rest.empty() && rest.front() == "help") {
    rest.erase(rest.begin());
    raw.help = true;
  }
  if (rest.empty() && raw.help) return EarlyExit{ExitCode::done, program_help()};
  if (rest.empty() && raw.version) return Command{VersionOptions{}};
  if (rest.empty()) return EarlyExit{ExitCode::bad_usage, "no command given\n\n" + program_help()};
  if (!is_command(rest.front())) return unknown_command(rest.front());
  const std::string command = rest.front();
  rest.erase(rest.begin());
  return CommandLine{command, raw, environment}.read(rest);
}

const CommonOptions& common_of(const Command& command) {
  return std::visit([](const auto& options) -> const CommonOptions& { return options.common; },
                    command);
}

}  // namespace ratebatch::cli
