#include "cli/help_text.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::cli {
namespace {

struct CommandHelp {
  std::string_view name;
  std::string_view about;  // Usage, purpose and own options.
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

constexpr std::string_view common_text =
    R"(
Common options:
      --db PATH         the checkpoint (default: $RATEBATCH_DB, else ratebatch.db)
      --config PATH     the configuration (default: $RATEBATCH_CONFIG, else ratebatch.yaml here or
                        beside the first job file)
      --json            JSON lines on standard output
  -q, --quiet           say nothing but errors
  -v, --verbose         tell every event
      --log-file PATH   append events to this file (default: none)
      --color WHEN      auto, always or never (default: auto)
      --version         name the version
  -h, --help            this text
)";

constexpr std::string_view exit_text =
    R"(
Exit codes: 0 everything done; 1 some jobs failed for good or are held; 2 bad usage, configuration
or job file, nothing was changed; 70 a bug in ratebatch; 74 the disk or the checkpoint failed;
75 not finished, run again later, or another process holds the checkpoint; 77 a person must act
(key, credit); 130 interrupted, 143 terminated, the checkpoint is good.
)";

constexpr std::string_view run_options_text =
    R"(
  -j, --workers N       requests in flight at most, 1 to 10000 (default: as configured, else 4);
                        conservative (2), moderate (4), aggressive (8); auto: as many as needed
      --deadline D      for --workers auto: as few as finish so soon; the progress is held to it
      --pause-at SHARE  pause at this share of quotas per day or longer, such as 0.8 or 80%
      --no-wait         end (exit code 75) once every model with jobs is paused
      --max-runtime D   end after so long (75)       --max-jobs N   after so many jobs (75)
      --max-cost USD    spend no more, such as 12.50 in all or 5/day (75)
  -n, --dry-run         check and plan; send and change nothing
      --grace D         how long an end waits for answers, such as 90s or 2m (default: 30s)
      --on-unknown P    requests whose answer was lost: retry or hold (default: retry)
      --sandbox[=OPTS]  send everything to a stand-in on this machine: no key, no cost. OPTS such
                        as latency=500ms,error_rate=2%; 'ratebatch sandbox --help' lists them
)";

constexpr std::string_view output_option_text =
    R"(  -o, --output FILE     write the results there at the end (default: not)
)";

constexpr std::string_view loading_options_text =
    R"(      --type T --id-column C   of CSV files: the type of their jobs, the column of their ids
      --skip-invalid    load the good lines; bad ones go to FILE.rejects.jsonl
      --update          accept changed lines of jobs that are not done yet
)";

constexpr std::string_view run_about =
    R"(Usage: ratebatch run [FILE ...] [options]

Loads job files (JSONL, OpenAI Batch, bare request bodies, CSV; - is standard input) into the
checkpoint, new ids only, then works until nothing is left. Without FILE it goes on, as 'ratebatch
resume' does.
)";

constexpr std::string_view resume_about =
    R"(Usage: ratebatch resume [options]

Goes on from the checkpoint, with the configuration used last unless --config names another. A
pause that a provider asked for is tried at once; one at its own threshold waits for the reset.
)";

constexpr CommandHelp commands[] = {
    {"run", run_about,
     R"(  ratebatch run jobs.jsonl --sandbox --workers 4
  ratebatch run leads.csv --type email --id-column lead_id --db live.db -o results.jsonl
)"},
    {"resume", resume_about,
     R"(  ratebatch resume
  ratebatch resume --db live.db --workers 16 --quiet
)"},
    {"status",
     R"(Usage: ratebatch status [options]

Says what is done, waiting and failing, from the checkpoint; also while a run is going.

      --failed          list the failed jobs and why
      --lane M          only this model
      --exit-code       end with a code that mirrors the state: 0 nothing is left, 1 some jobs
                        failed or are held, 75 not finished, 77 a person must act
)",
     R"(  ratebatch status
  ratebatch status --db live.db --json
)"},
    {"results",
     R"(Usage: ratebatch results [options]

Writes one JSON line for each job that came to an end, in the order of their end.

  -o, --output FILE     write there, complete or not at all (default: standard output)
      --in-order        in the order of the job files
      --format F        jsonl, batch (lines of an OpenAI Batch output file) or csv (default: jsonl)
      --errors FILE     of batch: failed jobs go there
      --columns A,B     of csv: these columns (default: id, status, text, vars and metadata)
      --follow          of jsonl: go on as results come, until no job is open
)",
     R"(  ratebatch results -o results.jsonl
  ratebatch results --format batch -o output.jsonl --errors errors.jsonl
)"},
    {"retry",
     R"(Usage: ratebatch retry --failed|--unknown|--truncated|--changed|--class C|--id ID [options]

Puts jobs back in the queue; 'ratebatch resume' then works on them. Choices add up.

      --failed          all failed jobs
      --unknown         held jobs: sent, and the answer was lost
      --truncated       answers that were cut at max_tokens
      --changed         answers made before their type, model or template changed; each is kept
                        until the new one is there
      --class C         failed jobs of this class, such as timeout (may be given again)
      --id ID           this job (may be given again)
)",
     R"(  ratebatch retry --failed && ratebatch resume
  ratebatch retry --class content_policy --id bio-17
)"},
    {"plan",
     R"(Usage: ratebatch plan [FILE ...] [options]

Rehearses in virtual time, with the rules of a run: when it would finish, its pauses, what holds it
back, tokens, cost and the workers it needs; on a terminal with a chart. Without FILE: the rest of
the checkpoint; with FILE: all of its jobs, and nothing is loaded. Sends nothing.

  -j, --workers N[,N]   so many workers (default: as configured); several: a row each
      --waves NxD[,NxD] waves for models that have waves, else for images, such as 2x20s,3x15s
      --deadline D      whether it is met, and if not, what would have to change
      --latency D       of an answer (default: as seen, else 1.33 s a text, 5 s a picture)
      --tokens N        output of an answer (default: as seen, else max_tokens)
      --type T --id-column C   of CSV files: the type of their jobs, the column of their ids
)",
     R"(  ratebatch plan jobs.jsonl --workers 1,2,4,8,16
  ratebatch plan --deadline 7d
)"},
    {"quota",
     R"(Usage: ratebatch quota [options]
       ratebatch quota set MODEL LIMIT=N [options]
       ratebatch quota reset MODEL [options]

Shows what is used of each limit, by model and key group. 'set' corrects the counter of a limit per
day or longer; 'reset' starts the model afresh: counters, waits, pauses and what was learned. Both
need the checkpoint for themselves: exit code 75 while a run holds it.

      --key K           only of this key (its variable or file) or key group
)",
     R"(  ratebatch quota set gpt-4o-mini rpd=3000
  ratebatch quota reset gpt-4o-mini --key OPENAI_API_KEY_2
)"},
    {"tiers",
     R"(Usage: ratebatch tiers [PROVIDER] [options]

Prints the built-in limits by provider, model and tier, with where they are from and when they were
read: what 'tier:' in the configuration stands for.
)",
     R"(  ratebatch tiers
  ratebatch tiers gemini --json
)"},
    {"check",
     R"(Usage: ratebatch check [FILE ...] [options]

Checks the configuration, whether keys are there, and the lines of job files. Prints where each
model's requests go and its limits. Sends nothing and changes nothing.

      --show ID         print the request of this job, of FILE or else of the checkpoint
      --type T --id-column C   of CSV files: the type of their jobs, the column of their ids
)",
     R"(  ratebatch check jobs.jsonl
  ratebatch check jobs.jsonl --show bio-17
)"},
    {"init",
     R"(Usage: ratebatch init [options]

Writes a commented ratebatch.yaml to start from, here or where --config says. Never overwrites.
)",
     R"(  ratebatch init
  ratebatch init --config live.yaml
)"},
    {"sandbox",
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

// Options of a command that it shares with another one.
std::string shared_options(std::string_view command) {
  if (command == "run") {
    return fmt::format("{}{}{}", run_options_text, loading_options_text, output_option_text);
  }
  if (command == "resume") return fmt::format("{}{}", run_options_text, output_option_text);
  return "";
}

}  // namespace

std::vector<std::string> command_names() {
  std::vector<std::string> names;
  for (const CommandHelp& command : commands) names.emplace_back(command.name);
  return names;
}

std::string program_help() { return std::string{program_text} + std::string{exit_text}; }

std::string command_help(std::string_view command) {
  const auto* found = std::find_if(std::begin(commands), std::end(commands),
                                   [&](const CommandHelp& c) { return c.name == command; });
  RB_ASSERT(found != std::end(commands));
  return fmt::format("{}{}{}\nExamples:\n{}{}", found->about, shared_options(command), common_text,
                     found->examples, exit_text);
}

}  // namespace ratebatch::cli
