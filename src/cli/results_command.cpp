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

// Where lines go: to a file that is complete or absent, or straight to standard output.
class Target {
 public:
  Target(Console& console, std::optional<run::OutputFile> file)
      : console_(console), file_(std::move(file)) {}

  static Result<Target> open(Console& console, const std::optional<std::string>& path) {
    if (!path) return Target{console, std::nullopt};
    RB_TRY(file, run::OutputFile::create(*path));
    return Target{console, std::move(*file)};
  }

  Result<void> write(std::string_view lines) {
    return file_ ? file_->write(lines) : console_.write(lines);
  }

  Result<void> finish() { return file_ ? file_->commit() : Result<void>{}; }

 private:
  Console& console_;
  std::optional<run::OutputFile> file_;
};

class ResultsCommand {
 public:
  ResultsCommand(const ResultsOptions& options, const CommandContext& context,
                 store::CheckpointReader& reader)
      : options_(options), context_(context), reader_(reader) {}

  Result<ExitCode> write() {
    RB_TRY(status, reader_.status());
    if (options_.follow) return follow();
    RB_TRY(target, Target::open(context_.console, options_.output));
    const run::LineSink sink = [&](std::string_view lines) { return target->write(lines); };
    RB_TRY(written, write_formatted(sink));
    for (const std::string& warning : written->warnings) context_.console.warn(warning);
    RB_TRY(finished, target->finish());
    tell(*status, *written);
    return ExitCode::done;
  }

 private:
  [[nodiscard]] store::ResultOrder order() const {
    return options_.in_order ? store::ResultOrder::input : store::ResultOrder::finishing;
  }

  Result<run::ResultsWritten> write_formatted(const run::LineSink& sink) {
    switch (options_.format) {
      case ResultFormat::jsonl:
        return run::write_results(reader_, order(), 0, sink);
      case ResultFormat::batch:
        return write_batch(sink);
      case ResultFormat::csv:
        return run::write_csv_results(reader_, order(), options_.columns, sink);
    }
    return run::ResultsWritten{};
  }

  Result<run::ResultsWritten> write_batch(const run::LineSink& sink) {
    std::optional<run::OutputFile> errors;
    if (options_.errors) {
      RB_TRY(file, run::OutputFile::create(*options_.errors));
      errors.emplace(std::move(*file));
    }
    auto written = run::write_batch_results(reader_, order(), sink,
                                            [&](std::string_view lines) -> Result<void> {
                                              return errors ? errors->write(lines) : Result<void>{};
                                            });
    if (!written || !errors) return written;
    RB_TRY(visible, errors->commit());
    return written;
  }

  // Prints what is there, then what comes, until nothing is left to come.
  Result<ExitCode> follow() {
    RB_TRY(signals, StopSignals::install({}));
    std::int64_t cursor = 0;
    while (true) {
      // Looked at first: what ends between the two looks is printed before the end is noticed.
      RB_TRY(status, reader_.status());
      auto written = run::write_results(reader_, store::ResultOrder::finishing, cursor,
                                        [&](auto lines) { return context_.console.write(lines); });
      if (!written) return pass(written);
      cursor = written->cursor;
      if (status->counts.jobs().open() == 0) return ExitCode::done;
      pollfd wake{.fd = (*signals)->descriptor(), .events = POLLIN, .revents = 0};
      if (::poll(&wake, 1, follow_interval_ms) > 0) return stopped(**signals);
    }
  }

  static ExitCode stopped(StopSignals& signals) {
    signals.take();
    return signals.first_signal() == SIGINT ? ExitCode::interrupted : ExitCode::terminated;
  }

  void tell(const store::StatusData& status, const run::ResultsWritten& written) const {
    const std::int64_t open = status.counts.jobs().open();
    std::string text = fmt::format("{}{}{}", status.stamp.sandbox ? "SANDBOX: " : "",
                                   counted(written.results, "result", "results"),
                                   options_.output ? " in " + escaped(*options_.output) : "");
    if (written.errors > 0) {
      const std::string failures = counted(written.errors, "failure", "failures");
      text += options_.errors ? fmt::format(", {} in {}", failures, escaped(*options_.errors))
                              : fmt::format("; {} not written: add --errors FILE", failures);
    }
    if (open > 0) text += fmt::format("; {} not finished yet", counted(open, "job is", "jobs are"));
    context_.console.say(text);
  }

  const ResultsOptions& options_;
  const CommandContext& context_;
  store::CheckpointReader& reader_;
};

}  // namespace

Result<ExitCode> execute(const ResultsOptions& options, const CommandContext& context) {
  const std::vector<OutputPath> outputs = outputs_of(options);
  RB_TRY(guarded, guard_outputs(outputs, options.common, {}));
  RB_TRY(reader, store::CheckpointReader::open(options.common.db));
  guarded = guard_stored(outputs, **reader);
  if (!guarded) return pass(guarded);
  auto done = ResultsCommand{options, context, **reader}.write();
  // A reader that went away (`| head`) has what it wanted.
  const bool has_left = !done && done.error().code == ErrorCode::io && done.error().message.empty();
  return has_left ? ExitCode::done : done;
}

}  // namespace ratebatch::cli
