#include <algorithm>

#include "cli/commands.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/run/status_json.hpp"

namespace ratebatch::cli {
namespace {

bool is_plain(char c) { return is_letter_or_digit(c) || contains("_-./+:,@", {&c, 1}); }

}  // namespace

std::string command_end(const CommonOptions& options) {
  if (options.db == CommonOptions{}.db) return "";
  if (std::all_of(options.db.begin(), options.db.end(), is_plain)) return " --db " + options.db;
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
