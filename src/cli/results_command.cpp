#include <fmt/format.h>
#include <poll.h>

#include <optional>

#include "cli/commands.hpp"
#include "cli/output_guard.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/cli/signals.hpp"
#include "ratebatch/run/output_file.hpp"
#include "ratebatch/run/results.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"

namespace ratebatch::cli {
namespace {

// How long a follower waits before it looks again: soon for a person, and no load for the disk.
constexpr int follow_interval_ms = 250;

using MaybeFile = std::optional<run::OutputFile>;

// A file that is complete or absent; nullopt without a path.
Result<MaybeFile> create_file(const std::optional<std::string>& path) {
  if (!path) return std::nullopt;
  RB_TRY(file, run::OutputFile::create(*path));
  return MaybeFile{std::move(*file)};
}

Result<void> commit_file(MaybeFile& file) { return file ? file->commit() : Result<void>{}; }

Result<run::ResultsWritten> write_formatted(store::CheckpointReader& reader,
                                            const ResultsOptions& options,
                                            const run::LineSink& sink,
                                            const run::LineSink& errors) {
  const auto order = options.in_order ? store::ResultOrder::input : store::ResultOrder::finishing;
  switch (options.format) {
    case ResultFormat::jsonl:
      return run::write_results(reader, order, 0, sink);
    case ResultFormat::batch:
      return run::write_batch_results(reader, order, sink, errors);
    case ResultFormat::csv:
      return run::write_csv_results(reader, order, options.columns, sink);
  }
  return run::ResultsWritten{};
}

Result<ExitCode> write_results(store::CheckpointReader& reader, const ResultsOptions& options,
                               Console& console) {
  RB_TRY(status, reader.status());
  RB_TRY(output, create_file(options.output));
  RB_TRY(errors, create_file(options.errors));
  const auto to_output = [&](std::string_view lines) {
    return *output ? (*output)->write(lines) : console.write(lines);
  };
  const auto to_errors = [&](std::string_view lines) {
    return *errors ? (*errors)->write(lines) : Result<void>{};
  };
  RB_TRY(written, write_formatted(reader, options, to_output, to_errors));
  RB_TRY(errors_finished, commit_file(*errors));
  for (const std::string& warning : written->warnings) console.warn(warning);
  RB_TRY(finished, commit_file(*output));

  std::string text = fmt::format("{}{}{}", status->stamp.sandbox ? "SANDBOX: " : "",
                                 counted(written->results, "result", "results"),
                                 options.output ? " in " + escaped(*options.output) : "");
  if (written->errors > 0) {
    const std::string failures = counted(written->errors, "failure", "failures");
    text += options.errors ? fmt::format(", {} in {}", failures, escaped(*options.errors))
                           : fmt::format("; {} not written: add --errors FILE", failures);
  }
  const std::int64_t open = status->counts.jobs().open();
  if (open > 0) text += fmt::format("; {} not finished yet", counted(open, "job is", "jobs are"));
  console.say(text);
  return ExitCode::done;
}

// Prints what is there, then what comes, until nothing is left to come.
Result<ExitCode> follow_results(store::CheckpointReader& reader, Console& console) {
  RB_TRY(signals, StopSignals::install({}));
  std::int64_t cursor = 0;
  while (true) {
    // Looked at first: what ends between the two looks is printed before the end is noticed.
    RB_TRY(status, reader.status());
    RB_TRY(written, run::write_results(reader, store::ResultOrder::finishing, cursor,
                                       [&](auto lines) { return console.write(lines); }));
    cursor = written->cursor;
    if (status->counts.jobs().open() == 0) return ExitCode::done;
    pollfd wake{.fd = (*signals)->descriptor(), .events = POLLIN, .revents = 0};
    if (::poll(&wake, 1, follow_interval_ms) > 0) {
      (*signals)->take();
      return (*signals)->first_signal() == SIGINT ? ExitCode::interrupted : ExitCode::terminated;
    }
  }
}

}  // namespace

Result<ExitCode> execute(const ResultsOptions& options, const CommandContext& context) {
  const std::vector<OutputPath> outputs = outputs_of(options);
  RB_TRY(guarded, guard_outputs(outputs, options.common, {}));
  RB_TRY(reader, store::CheckpointReader::open(options.common.db));
  RB_TRY(guarded_stored, guard_stored(outputs, **reader));
  auto done = options.follow ? follow_results(**reader, context.console)
                             : write_results(**reader, options, context.console);
  // A reader that went away (`| head`) has what it wanted.
  const bool has_left = !done && done.error().code == ErrorCode::io && done.error().message.empty();
  return has_left ? ExitCode::done : done;
}

}  // namespace ratebatch::cli
