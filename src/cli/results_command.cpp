#include <fmt/format.h>

#include "cli/commands.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/run/results.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"

namespace ratebatch {

Result<ExitCode> write_out_results(const ResultsOptions& options, const CommandContext& context) {
  auto reader = CheckpointReader::open(options.common.db);
  if (!reader) return pass(reader);
  auto status = (*reader)->status();
  if (!status) return pass(status);
  const bool sandbox = status->stamp.sandbox;
  const ResultOrder order = options.in_order ? ResultOrder::input : ResultOrder::finishing;
  const auto print = [&](std::string_view lines) { return context.console.write(lines); };
  auto count = options.output ? write_results_file(**reader, order, *options.output)
                              : write_results(**reader, order, print);
  if (!count) return pass(count);
  const std::int64_t open = status->counts.jobs().open();
  context.console.say(fmt::format(
      "{}{}{}{}", sandbox ? "SANDBOX: " : "", counted(*count, "result", "results"),
      options.output ? " in " + escaped(*options.output) : "",
      open > 0 ? fmt::format("; {} not finished yet", counted(open, "job is", "jobs are")) : ""));
  return ExitCode::done;
}

}  // namespace ratebatch
