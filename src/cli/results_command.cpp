#include <fmt/format.h>

#include "cli/commands.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/run/results.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"

namespace ratebatch {
namespace {

// Lines are collected up to so much before they are written: one call for many.
constexpr std::size_t chunk_bytes = 65'536;

Result<std::int64_t> to_standard_output(CheckpointReader& reader, ResultOrder order, bool sandbox,
                                        Console& console) {
  std::string chunk;
  const auto flush = [&]() -> Result<void> {
    auto written = console.write(chunk);
    chunk.clear();
    return written;
  };
  auto count = write_results(reader, order, sandbox, [&](std::string_view line) -> Result<void> {
    chunk += line;
    return chunk.size() < chunk_bytes ? Result<void>{} : flush();
  });
  if (!count) return pass(count);
  auto written = flush();
  if (!written) return pass(written);
  return count;
}

}  // namespace

Result<ExitCode> write_out_results(const ResultsOptions& options, const CommandContext& context) {
  auto reader = CheckpointReader::open(options.common.db);
  if (!reader) return pass(reader);
  auto status = (*reader)->status();
  if (!status) return pass(status);
  const bool sandbox = status->stamp.sandbox;
  const ResultOrder order = options.in_order ? ResultOrder::input : ResultOrder::finishing;
  auto count = options.output ? write_results_file(**reader, order, sandbox, *options.output)
                              : to_standard_output(**reader, order, sandbox, context.console);
  if (!count) return pass(count);
  const std::int64_t open = status->counts.jobs().open();
  context.console.say(fmt::format(
      "{}{}{}{}", sandbox ? "SANDBOX: " : "", counted(*count, "result", "results"),
      options.output ? " in " + escaped(*options.output) : "",
      open > 0 ? fmt::format("; {} not finished yet", counted(open, "job is", "jobs are")) : ""));
  return ExitCode::done;
}

}  // namespace ratebatch
