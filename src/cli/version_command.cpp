#include <fmt/format.h>

#include "cli/commands.hpp"
#include "ratebatch/net/curl_version.hpp"
#include "ratebatch/store/sqlite_version.hpp"

namespace ratebatch::cli {

Result<ExitCode> show_version(const VersionOptions& /*options*/, const CommandContext& context) {
  auto written =
      context.console.write(fmt::format("ratebatch {}\nSQLite {}\nlibcurl {}\n", RATEBATCH_VERSION,
                                        store::sqlite_version(), net::curl_library_version()));
  if (!written) return pass(written);
  return ExitCode::done;
}

}  // namespace ratebatch::cli
