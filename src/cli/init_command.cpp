#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

#include "cli/commands.hpp"
#include "ratebatch/base/file.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/config_file.hpp"

namespace ratebatch::cli {
namespace {

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
  if (code != 0) {
    return fail(ErrorCode::io,
                fmt::format("cannot write {}: {}", escaped(path), std::strerror(code)));
  }
  const std::string option = options.common.config ? " --config " + escaped(path) : "";
  context.console.say(fmt::format(
      "wrote {}\nPut the limits of your account into it, then:\n"
      "  ratebatch check{}                          are keys and settings right?\n"
      "  ratebatch run jobs.jsonl --sandbox{}       rehearse on this machine, without cost",
      escaped(path), option, option));
  return ExitCode::done;
}

}  // namespace ratebatch::cli
