#include "cli/command_syntax.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "cli/option_values.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::cli {
namespace {

constexpr std::int64_t count_max = 1'000'000'000'000;

// Of the specification: what a shy, a usual and a bold account stand.
constexpr std::array<std::pair<std::string_view, std::int32_t>, 3> workers_words = {
    {{"conservative", 2}, {"moderate", 4}, {"aggressive", 8}}};

Problem read_workers(const std::string& text, RunOptions& options) {
  options.workers_auto = text == "auto";
  if (text.empty() || options.workers_auto) return std::nullopt;
  auto workers = number_between(text, 1, workers_max);
  for (const auto& [word, meaning] : workers_words) {
    if (text == word) workers = meaning;
  }
  if (!workers) {
    return expected(fmt::format("a whole number from 1 to {}, or conservative, moderate, "
                                "aggressive or auto",
                                workers_max),
                    text);
  }
  options.workers = static_cast<std::int32_t>(*workers);
  return std::nullopt;
}

// The files of a command, with --type and --id-column, which mean nothing without a CSV file. That
// a CSV file needs both is said where its columns are known.
void declare_files(Syntax& syntax, std::vector<std::string>& files, input::CsvColumns& columns) {
  const auto column_into = [&files](std::string& target) {
    return [&files, &target](const std::string& value) -> Problem {
      target = value;
      if (value.empty() || std::ranges::any_of(files, input::is_csv_file)) return std::nullopt;
      return " is for CSV files, and none is given; lines of JSON name it themselves";
    };
  };
  syntax.words([&files](const Words& words) {
    files = words;
    return Problem{};
  });
  syntax.value("--type T", "of CSV files: the type of their jobs", column_into(columns.type));
  syntax.value("--id-column C", "of CSV files: the column of their ids",
               column_into(columns.id_column));
}

void declare_work(Syntax& syntax, RunOptions& o) {
  syntax.value("-j,--workers N",
               "requests in flight at most, 1 to 10000 (default: as configured, else 4);\n"
               "conservative (2), moderate (4), aggressive (8); auto: as many as needed",
               [&o](const std::string& text) { return read_workers(text, o); });
  syntax.value("--deadline D",
               "for --workers auto: as few as finish so soon; the progress is held to it",
               length_into(o.deadline));
  syntax.value("--pause-at SHARE",
               "pause at this share of quotas per day or longer, such as 0.8 or 80%",
               into(o.pause_at_per_mille, share_per_mille, "a share such as 0.8 or 80%"));
  syntax.flag("--no-wait", "end (exit code 75) once every model with jobs is paused",
              o.wait_for_pauses, false);
  syntax.value("--max-runtime D", "end after so long (75)", length_into(o.runtime_max));
  syntax.value("--max-jobs N", "end after so many jobs (75)",
               into(o.jobs_max, numbers(0, count_max), "a whole number, or 0 to load only"));
  syntax.value("--max-cost USD", "spend no more, such as 12.50 in all or 5/day (75)",
               into(o.cost_max, cost_max, "USD such as 12.50 or 5/day"));
  syntax.flag("-n,--dry-run", "check and plan; send and change nothing", o.dry_run);
  syntax.value("--grace D", "how long an end waits for answers, such as 90s or 2m (default: 30s)",
               [&o](const std::string& text) -> Problem {
                 auto grace = parse_duration(text);
                 if (!grace) return ": " + grace.error().message;
                 o.grace = *grace;
                 return std::nullopt;
               });
  syntax.value("--on-unknown P", "requests whose answer was lost: retry or hold (default: retry)",
               choice_into<UnknownPolicy>(
                   o.on_unknown, {{"retry", UnknownPolicy::retry}, {"hold", UnknownPolicy::hold}}));
  syntax.flag_or_value("--sandbox[=OPTS]",
                       "send everything to a stand-in on this machine: no key, no cost. OPTS such\n"
                       "as latency=500ms,error_rate=2%; 'ratebatch sandbox --help' lists them",
                       [&o](const std::string& text) -> Problem {
                         if (text.empty()) return std::nullopt;
                         o.sandbox = text == "true" ? "" : text;
                         const auto read = sandbox::parse_sandbox_options(*o.sandbox);
                         return read ? std::nullopt : Problem{": " + read.error().message};
                       });
}

void declare_output(Syntax& syntax, RunOptions& o) {
  syntax.value("-o,--output FILE", "write the results there at the end (default: not)",
               [&o](const std::string& text) -> Problem {
                 if (text == "-") {
                   return " needs a file; 'ratebatch results' writes to standard output";
                 }
                 if (!text.empty()) o.output = text;
                 return std::nullopt;
               });
}

Problem check_results(const ResultsOptions& o) {
  const bool is_batch = o.format == ResultFormat::batch;
  if (!o.columns.empty() && o.format != ResultFormat::csv) return "--columns needs --format csv";
  if (o.errors && !is_batch) return "--errors needs --format batch";
  if (o.errors && (o.errors == "-" || o.errors == o.output)) {
    return "--errors needs a file of its own";
  }
  if (!o.follow) return std::nullopt;
  if (o.format != ResultFormat::jsonl) return "--follow needs --format jsonl";
  if (o.in_order) {
    return "--follow writes results as they come, and --in-order waits for the first";
  }
  if (!o.output) return std::nullopt;
  return "--follow writes to standard output only: a file is complete or not there";
}

Problem check_retry(const RetryOptions& o) {
  if (!o.failed && !o.unknown && !o.truncated && !o.changed && o.classes.empty() && o.ids.empty()) {
    return "say which jobs: --failed, --unknown, --truncated, --changed, --class C or --id ID";
  }
  const Words names{outcome_class_names.begin(), outcome_class_names.end()};
  for (const std::string& name : o.classes) {
    if (std::ranges::count(names, name) > 0) continue;
    return fmt::format(
        "--class '{}' is no class{}; 'ratebatch status' lists those of the failed jobs",
        escaped(name), did_you_mean(name, names));
  }
  return std::nullopt;
}

// "set MODEL LIMIT=N" or "reset MODEL"; nothing shows the usage.
Problem read_correction(const Words& words, QuotaCommandOptions& o) {
  using What = QuotaCommandOptions::What;
  if (words.empty()) return std::nullopt;
  const bool is_set = words.front() == "set" && words.size() == 3;
  if (!is_set && (words.front() != "reset" || words.size() != 2)) {
    return "expected 'quota', 'quota set MODEL LIMIT=N' or 'quota reset MODEL'";
  }
  o.what = is_set ? What::set : What::reset;
  o.model = words[1];
  if (!is_set) return std::nullopt;
  const std::size_t equals = words[2].rfind('=');
  const auto used = equals == std::string::npos
                        ? std::nullopt
                        : number_between(words[2].substr(equals + 1), 0, count_max);
  if (!used || equals == 0) {
    return "quota set" + expected("a limit and a whole number, such as rpd=3000", words[2]);
  }
  o.limit = words[2].substr(0, equals);
  o.used = *used;
  return std::nullopt;
}

}  // namespace

void declare_common(Syntax& syntax, CommonOptions& o) {
  syntax.value("--db PATH", "the checkpoint (default: $RATEBATCH_DB, else ratebatch.db)",
               text_into(o.db));
  syntax.value("--config PATH",
               "the configuration (default: $RATEBATCH_CONFIG, else ratebatch.yaml here or\n"
               "beside the first job file)",
               text_into(o.config));
  syntax.flag("--json", "JSON lines on standard output", o.json);
  syntax.flag("-q,--quiet", "say nothing but errors", o.quiet);
  syntax.flag("-v,--verbose", "tell every event", o.verbose);
  syntax.value("--log-file PATH", "append events to this file (default: none)",
               text_into(o.log_file));
  syntax.value("--color WHEN", "auto, always or never (default: auto)",
               choice_into<ColorMode>(o.color, {{"auto", ColorMode::automatic},
                                                {"always", ColorMode::always},
                                                {"never", ColorMode::never}}));
}

void declare_run(Syntax& syntax, RunOptions& o) {
  declare_work(syntax, o);
  declare_files(syntax, o.files, o.csv);
  syntax.flag("--skip-invalid", "load the good lines; bad ones go to FILE.rejects.jsonl",
              o.skip_invalid);
  syntax.flag("--update", "accept changed lines of jobs that are not done yet", o.update);
  declare_output(syntax, o);
  syntax.check([&o]() -> Problem {
    if (std::count(o.files.begin(), o.files.end(), "-") < 2) return std::nullopt;
    return "'-' (standard input) can be read only once";
  });
}

void declare_resume(Syntax& syntax, RunOptions& o) {
  o.probe_pauses = true;
  declare_work(syntax, o);
  declare_output(syntax, o);
}

void declare_status(Syntax& syntax, StatusOptions& o) {
  syntax.flag("--failed", "list the failed jobs and why", o.failed);
  syntax.value("--lane M", "only this model", text_into(o.lane));
  syntax.flag("--exit-code",
              "end with a code that mirrors the state: 0 nothing is left, 1 some jobs\n"
              "failed or are held, 75 not finished, 77 a person must act",
              o.exit_code);
}

void declare_results(Syntax& syntax, ResultsOptions& o) {
  syntax.value("-o,--output FILE", "write there, complete or not at all (default: standard output)",
               [&o](const std::string& text) {
                 if (!text.empty() && text != "-") o.output = text;
                 return Problem{};
               });
  syntax.flag("--in-order", "in the order of the job files", o.in_order);
  syntax.value("--format F",
               "jsonl, batch (lines of an OpenAI Batch output file) or csv (default: jsonl)",
               choice_into<ResultFormat>(o.format, {{"jsonl", ResultFormat::jsonl},
                                                    {"batch", ResultFormat::batch},
                                                    {"csv", ResultFormat::csv}}));
  syntax.value("--errors FILE", "of batch: failed jobs go there", text_into(o.errors));
  const auto name_of = [](std::string_view text) {
    return text.empty() ? std::nullopt : std::optional{std::string{text}};
  };
  syntax.value("--columns A,B",
               "of csv: these columns (default: id, status, text, vars and metadata)",
               list_into(o.columns, name_of, "names such as id,text,artist"));
  syntax.flag("--follow", "of jsonl: go on as results come, until no job is open", o.follow);
  syntax.check([&o] { return check_results(o); });
}

void declare_retry(Syntax& syntax, RetryOptions& o) {
  syntax.flag("--failed", "all failed jobs", o.failed);
  syntax.flag("--unknown", "held jobs: sent, and the answer was lost", o.unknown);
  syntax.flag("--truncated", "answers that were cut at max_tokens", o.truncated);
  syntax.flag("--changed",
              "answers made before their type, model or template changed; each is kept\n"
              "until the new one is there",
              o.changed);
  syntax.list("--class C", "failed jobs of this class, such as timeout (may be given again)",
              o.classes);
  syntax.list("--id ID", "this job (may be given again)", o.ids);
  syntax.check([&o] { return check_retry(o); });
}

void declare_plan(Syntax& syntax, PlanOptions& o) {
  syntax.value("-j,--workers N[,N]",
               "so many workers (default: as configured); several: a row each",
               list_into(o.settings.workers, numbers(1, workers_max),
                         fmt::format("whole numbers from 1 to {}, such as 1,2,4,8", workers_max)));
  syntax.value("--waves NxD[,NxD]",
               "waves for models that have waves, else for images, such as 2x20s,3x15s",
               list_into(o.settings.waves, waves_of, "sizes and pauses such as 2x20s,3x15s"));
  syntax.value("--deadline D", "whether it is met, and if not, what would have to change",
               length_into(o.settings.deadline));
  syntax.value("--latency D", "of an answer (default: as seen, else 1.33 s a text, 5 s a picture)",
               length_into(o.settings.latency));
  syntax.value("--tokens N", "output of an answer (default: as seen, else max_tokens)",
               into(o.settings.tokens, numbers(1, 1'000'000'000),
                    "a whole number, the output tokens of a job"));
  declare_files(syntax, o.files, o.csv);
}

void declare_quota(Syntax& syntax, QuotaCommandOptions& o) {
  syntax.value("--key K", "only of this key (its variable or file) or key group", text_into(o.key));
  syntax.words([&o](const Words& words) { return read_correction(words, o); });
}

void declare_tiers(Syntax& syntax, TiersOptions& o) {
  syntax.words([&o](const Words& words) -> Problem {
    if (words.size() > 1) return fmt::format("unexpected argument '{}'", escaped(words[1]));
    if (!words.empty() && !words.front().empty()) o.provider = words.front();
    return std::nullopt;
  });
}

void declare_check(Syntax& syntax, CheckOptions& o) {
  syntax.value("--show ID", "print the request of this job, of FILE or else of the checkpoint",
               text_into(o.show));
  declare_files(syntax, o.files, o.csv);
}

void declare_init(Syntax& /*syntax*/, InitOptions& /*options*/) {}

void declare_sandbox(Syntax& syntax, SandboxCommandOptions& o) {
  // The stand-in knows its settings; their help stands with the command.
  for (const std::string& setting : sandbox::sandbox_option_names()) {
    std::string name = "--" + setting;
    std::replace(name.begin(), name.end(), '_', '-');
    syntax.value(name, "", [&o, setting](const std::string& value) {
      if (value.empty()) return Problem{};
      o.settings += fmt::format("{}{}={}", o.settings.empty() ? "" : ",", setting, value);
      return Problem{};
    });
  }
  syntax.check([&o]() -> Problem {
    const auto read = sandbox::parse_sandbox_options(o.settings);
    return read ? std::nullopt : Problem{read.error().message};
  });
}

}  // namespace ratebatch::cli
