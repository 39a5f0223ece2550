#include "ratebatch/cli/options.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <iterator>

#include "cli/command_syntax.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::cli {
namespace {

struct CommandEntry;
using CommandReader = ParsedCommandLine (*)(const CommandEntry& command, const Words& arguments,
                                            const input::EnvironmentLookup& environment);

struct CommandEntry {
  std::string_view name;
  CommandReader read;
  std::string_view usage;  // And its purpose.
  std::string_view examples;
};

constexpr std::string_view program_text =
    R"(ratebatch gets large batches of paid API calls done, within the rate limits of each model.

Usage: ratebatch COMMAND [options]

  run [FILE ...]   load job files, then work until nothing is left
  resume           go on from the checkpoint
  status           what is done, waiting, failing; rate and time left
  results          write the results
  retry            put jobs back in the queue
  plan [FILE]      rehearse: finish, pauses, bottleneck, cost, workers needed
  quota            what is used of each limit; correct a counter, lift a pause
  tiers            the built-in limits of providers, models and tiers
  check [FILE]     check configuration, keys and job lines; send nothing
  init             write a commented ratebatch.yaml
  sandbox          serve a stand-in provider on this machine

'ratebatch COMMAND --help' says more; 'ratebatch --version' names the version.
)";

constexpr std::string_view exit_text =
    R"(
Exit codes: 0 everything done; 1 some jobs failed for good or are held; 2 bad usage, configuration
or job file, nothing was changed; 70 a bug in ratebatch; 74 the disk or the checkpoint failed;
75 not finished, run again later, or another process holds the checkpoint; 77 a person must act
(key, credit); 130 interrupted, 143 terminated, the checkpoint is good.
)";

std::string see_help(const std::string& problem, std::string_view command) {
  return fmt::format("{}; see 'ratebatch {}{}--help'", problem, command,
                     command.empty() ? "" : " ");
}

struct AskedFor {
  bool help = false;
  bool version = false;
};

void declare_general(Syntax& syntax, CommonOptions& options, AskedFor& asked) {
  declare_common(syntax, options);
  syntax.flag("--version", "name the version", asked.version);
  syntax.flag("-h,--help", "this text", asked.help);
}

// Reads the arguments of one command, whose options `declare` knows.
template <typename Options, void (*declare)(Syntax&, Options&)>
ParsedCommandLine read_command(const CommandEntry& command, const Words& arguments,
                               const input::EnvironmentLookup& environment) {
  Options options;
  CommonOptions& common = options.common;
  if (const auto db = environment("RATEBATCH_DB").value_or(""); !db.empty()) common.db = db;
  common.config_from_environment = environment("RATEBATCH_CONFIG").value_or("");
  AskedFor asked;
  Syntax syntax;
  declare(syntax, options);
  const std::string own_help = syntax.take_help();
  declare_general(syntax, common, asked);
  Problem problem = syntax.parse(arguments);
  // Help wins over anything else that may be wrong.
  if (asked.help) {
    return EarlyExit{ExitCode::done,
                     fmt::format("{}{}{}\nCommon options:\n{}\nExamples:\n{}{}", command.usage,
                                 own_help.empty() ? "" : "\n", own_help, syntax.take_help(),
                                 command.examples, exit_text)};
  }
  if (!problem && asked.version) return Command{VersionOptions{common}};
  if (!problem && common.quiet && common.verbose) {
    problem = "--quiet and --verbose exclude each other";
  }
  if (!problem) problem = syntax.read();
  if (problem) return EarlyExit{ExitCode::bad_usage, see_help(*problem, command.name)};
  return Command{std::move(options)};
}

constexpr CommandEntry commands[] = {
    {"run", read_command<RunOptions, declare_run>,
     R"(Usage: ratebatch run [FILE ...] [options]

Loads job files (JSONL, OpenAI Batch, bare request bodies, CSV; - is standard input) into the
checkpoint, new ids only, then works until nothing is left. Without FILE it goes on, as 'ratebatch
resume' does.
)",
     R"(  ratebatch run jobs.jsonl --sandbox --workers 4
  ratebatch run leads.csv --type email --id-column lead_id --db live.db -o results.jsonl
)"},
    {"resume", read_command<RunOptions, declare_resume>,
     R"(Usage: ratebatch resume [options]

Goes on from the checkpoint, with the configuration used last unless --config names another. A
pause that a provider asked for is tried at once; one at its own threshold waits for the reset.
)",
     R"(  ratebatch resume
  ratebatch resume --db live.db --workers 16 --quiet
)"},
    {"status", read_command<StatusOptions, declare_status>,
     R"(Usage: ratebatch status [options]

Says what is done, waiting and failing, from the checkpoint; also while a run is going.
)",
     R"(  ratebatch status
  ratebatch status --db live.db --json
)"},
    {"results", read_command<ResultsOptions, declare_results>,
     R"(Usage: ratebatch results [options]

Writes one JSON line for each job that came to an end, in the order of their end.
)",
     R"(  ratebatch results -o results.jsonl
  ratebatch results --format batch -o output.jsonl --errors errors.jsonl
)"},
    {"retry", read_command<RetryOptions, declare_retry>,
     R"(Usage: ratebatch retry --failed|--unknown|--truncated|--changed|--class C|--id ID [options]

Puts jobs back in the queue; 'ratebatch resume' then works on them. Choices add up.
)",
     R"(  ratebatch retry --failed && ratebatch resume
  ratebatch retry --class content_policy --id bio-17
)"},
    {"plan", read_command<PlanOptions, declare_plan>,
     R"(Usage: ratebatch plan [FILE ...] [options]

Rehearses in virtual time, with the rules of a run: when it would finish, its pauses, what holds it
back, tokens, cost and the workers it needs; on a terminal with a chart. Without FILE: the rest of
the checkpoint; with FILE: all of its jobs, and nothing is loaded. Sends nothing.
)",
     R"(  ratebatch plan jobs.jsonl --workers 1,2,4,8,16
  ratebatch plan --deadline 7d
)"},
    {"quota", read_command<QuotaCommandOptions, declare_quota>,
     R"(Usage: ratebatch quota [options]
       ratebatch quota set MODEL LIMIT=N [options]
       ratebatch quota reset MODEL [options]

Shows what is used of each limit, by model and key group. 'set' corrects the counter of a limit per
day or longer; 'reset' starts the model afresh: counters, waits, pauses and what was learned. Both
need the checkpoint for themselves: exit code 75 while a run holds it.
)",
     R"(  ratebatch quota set gpt-4o-mini rpd=3000
  ratebatch quota reset gpt-4o-mini --key OPENAI_API_KEY_2
)"},
    {"tiers", read_command<TiersOptions, declare_tiers>,
     R"(Usage: ratebatch tiers [PROVIDER] [options]

Prints the built-in limits by provider, model and tier, with where they are from and when they were
read: what 'tier:' in the configuration stands for.
)",
     R"(  ratebatch tiers
  ratebatch tiers gemini --json
)"},
    {"check", read_command<CheckOptions, declare_check>,
     R"(Usage: ratebatch check [FILE ...] [options]

Checks the configuration, whether keys are there, and the lines of job files. Prints where each
model's requests go and its limits. Sends nothing and changes nothing.
)",
     R"(  ratebatch check jobs.jsonl
  ratebatch check jobs.jsonl --show bio-17
)"},
    {"init", read_command<InitOptions, declare_init>,
     R"(Usage: ratebatch init [options]

Writes a commented ratebatch.yaml to start from, here or where --config says. Never overwrites.
)",
     R"(  ratebatch init
  ratebatch init --config live.yaml
)"},
    {"sandbox", read_command<SandboxCommandOptions, declare_sandbox>,
     R"(Usage: ratebatch sandbox [options]

Serves a stand-in for the providers on this machine until Ctrl-C: it keeps to the limits of the
configured models, counts, and calls nobody. GET /stats tells what it granted and refused. It has
OpenAI's API at /v1, others at /together/v1, /anthropic/v1, /gemini/v1, /elevenlabs/v1, /http/MODEL.

      --port N          0 to 65535 (default: 0, any free one)
      --seed N          of texts, pictures and faults (default: 1)
      --latency D, --jitter D    an answer takes latency, give or take jitter (200ms, 0s)
      --algorithm A     how limits count: fixed, sliding or bucket (default: sliding)
      --burst N         the most a bucket holds        --headers on|off   tell of limits (on)
      --rpm N, --tpd N and their like   limits of each model, beside its own: r, t, it, ot, i or c
                        (requests, tokens, input, output, images, characters) per s, m, h, d, mo
      --window D:N      so many requests per window, such as 10s:50
      --concurrency N   of each model        --total-concurrency N   over all models
      --token-count W   usage or reserve: what a request is charged when it arrives (usage)
      --keys W          separate or shared: whether each key has limits of its own (separate)
      --minute D, --day D        so long a minute and a day last (1m, 24h)
      --outage D-D[@MODEL]       answer 503 in this time since the start, such as 10s-40s
      --require-key K   refuse every other key
      --error-rate R, --reset-rate R, --truncate-rate R, --hang-rate R, --garbage-rate R
                        shares of requests that go wrong, such as 0.02 or 2% (default: 0)
      --image-bytes N, --text-bytes N   pictures and texts are at least so large (0)
      --links on|off    answer with links to pictures (off)   --link-error-rate R   downloads fail
      --replies FILE    scripted replies to requests that hold [[NAME]]
)",
     R"(  ratebatch sandbox --port 8080
  ratebatch sandbox --latency 1s --error-rate 2% --rpm 600
)"},
};

EarlyExit unknown_command(const std::string& name) {
  if (name.size() > 1 && name.front() == '-') {
    return {ExitCode::bad_usage,
            see_help(fmt::format("unknown option '{}' before the command", escaped(name)), "")};
  }
  Words names;
  for (const CommandEntry& command : commands) names.emplace_back(command.name);
  return {ExitCode::bad_usage,
          see_help(fmt::format("unknown command '{}'{}", escaped(name), did_you_mean(name, names)),
                   "")};
}

}  // namespace

ParsedCommandLine parse_command_line(const std::vector<std::string>& arguments,
                                     const input::EnvironmentLookup& environment) {
  CommonOptions unused;
  AskedFor asked;
  Syntax syntax;
  declare_general(syntax, unused, asked);
  Words rest;
  const Problem problem = syntax.parse(arguments, &rest);
  if (problem) return EarlyExit{ExitCode::bad_usage, see_help(*problem, "")};
  // Common options may stand before the command, too.
  Words of_command{arguments.begin(), arguments.end() - std::ssize(rest)};
  if (!rest.empty() && rest.front() == "--") rest.erase(rest.begin());
  if (!rest.empty() && rest.front() == "help") {
    rest.erase(rest.begin());
    asked.help = true;
    of_command.emplace_back("--help");
  }
  const std::string program_help = fmt::format("{}{}", program_text, exit_text);
  if (rest.empty() && asked.help) return EarlyExit{ExitCode::done, program_help};
  if (rest.empty() && asked.version) return Command{VersionOptions{}};
  if (rest.empty()) return EarlyExit{ExitCode::bad_usage, "no command given\n\n" + program_help};
  const auto* command = std::ranges::find(commands, rest.front(), &CommandEntry::name);
  if (command == std::end(commands)) return unknown_command(rest.front());
  of_command.insert(of_command.end(), rest.begin() + 1, rest.end());
  return command->read(*command, of_command, environment);
}

}  // namespace ratebatch::cli
