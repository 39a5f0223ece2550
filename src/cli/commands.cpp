// What the commands share, and the short ones: version, init and sandbox.
#include "cli/commands.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>

#include "cli/find_settings.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/file.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/cli/signals.hpp"
#include "ratebatch/input/config_file.hpp"
#include "ratebatch/net/curl_transport.hpp"
#include "ratebatch/run/json_line.hpp"
#include "ratebatch/sandbox/sandbox_server.hpp"
#include "ratebatch/store/sqlite_checkpoint.hpp"

namespace ratebatch::cli {
namespace {

bool is_plain(char c) { return is_letter_or_digit(c) || contains("_-./+:,@", {&c, 1}); }

// Returns 0 or errno. Never replaces a file.
int write_new_file(const std::string& path, std::string_view text) {
  Descriptor file = create_exclusively(AT_FDCWD, path);
  if (file.get() < 0) return errno;
  int code = write_all(file.get(), text);
  if (::close(file.release()) != 0 && code == 0) code = errno;
  if (code != 0) ::unlink(path.c_str());
  return code;
}

}  // namespace

Result<ExitCode> execute(const InitOptions& options, const CommandContext& context) {
  const std::string path = options.common.config.value_or("ratebatch.yaml");
  const int code = write_new_file(path, input::config_template());
  if (code == EEXIST) {
    return fail(ErrorCode::invalid_input,
                fmt::format("{} is there already and stays as it is; --config names another file",
                            escaped(path)));
  }
  if (code != 0) return file_error("write", path, code);
  const std::string option = options.common.config ? " --config " + escaped(path) : "";
  context.console.say(fmt::format(
      "wrote {}\nPut the limits of your account into it, then:\n"
      "  ratebatch check{}                          are keys and settings right?\n"
      "  ratebatch run jobs.jsonl --sandbox{}       rehearse on this machine, without cost",
      escaped(path), option, option));
  return ExitCode::done;
}

Result<ExitCode> execute(const SandboxCommandOptions& options, const CommandContext& context) {
  RB_TRY(found, find_settings(options.common, "", {}));
  RB_TRY(sandbox, sandbox_for(found->config, options.settings));
  // Nothing waits for the answers of a rehearsal: the first press ends it.
  RB_TRY(signals, StopSignals::install(Duration{}));
  const auto ready = [&](const std::string& base_url) {
    run::JsonLine json = run::json_message("sandbox");
    json["base_url"] = base_url;
    // A reader that is not there does not need the address.
    (void)context.console.write((options.common.json ? json::written(json) : base_url) + "\n");
    context.console.say("serving until Ctrl-C; GET /stats tells what was granted and refused");
  };
  RB_TRY(served, sandbox::serve_sandbox(*sandbox, (*signals)->descriptor(), ready));
  return ExitCode::done;
}

Result<ExitCode> execute(const VersionOptions& /*options*/, const CommandContext& context) {
  return print(context.console,
               fmt::format("ratebatch {}\nSQLite {}\nlibcurl {}\n", RATEBATCH_VERSION,
                           store::sqlite_version(), net::curl_library_version()));
}

std::string command_end(const CommonOptions& options) {
  if (options.db == CommonOptions{}.db) return "";
  if (std::ranges::all_of(options.db, is_plain)) return " --db " + options.db;
  std::string quoted;
  for (const char c : options.db) quoted += c == '\'' ? std::string{"'\\''"} : std::string{c};
  return " --db '" + escaped(quoted) + "'";
}

Result<ExitCode> print(Console& console, std::string_view text) {
  RB_TRY(written, console.write(text));
  return ExitCode::done;
}

void report_error(Console& console, const Error& error) {
  if (error.message.empty()) return;
  const int code = to_int(exit_code_of(error.code));
  if (console.json()) console.write_event(run::error_json(error.message, code));
  console.error(error.message);
}

}  // namespace ratebatch::cli
