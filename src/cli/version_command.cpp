#include <fmt/format.h>

#include "cli/commands.hpp"
#include "ratebatch/net/curl_version.hpp"
#include "ratebatch/store/sqlite_library.hpp"

namespace ratebatch::cli {

Result<ExitCode> execute(const VersionOptions& /*options*/, const CommandContext& context) {
  return print(context.console,
               fmt::format("ratebatch {}\nSQLite {}\nlibcurl {}\n", RATEBATCH_VERSION,
                           store::sqlite_version(), net::curl_library_version()));
}

}  // namespace ratebatch::cli
