#include "ratebatch/cli/console.hpp"

#include <fmt/format.h>
#include <sys/ioctl.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstring>

#include "ratebatch/base/file.hpp"

namespace ratebatch::cli {
namespace {

constexpr std::size_t columns_default = 80;
constexpr std::size_t columns_min = 20;
constexpr std::size_t rows_default = 24;

// ECMA-48: CUU moves up, EL and ED erase, SGR colours.
constexpr std::string_view erase_below = "\x1b[J";
constexpr std::string_view erase_line_end = "\x1b[K";

struct Size {
  std::size_t columns = columns_default;
  std::size_t rows = rows_default;
};

Size terminal_size() {
  winsize size{};
  if (::ioctl(STDERR_FILENO, TIOCGWINSZ, &size) != 0 || size.ws_col == 0) return {};
  return {std::max<std::size_t>(size.ws_col, columns_min),
          size.ws_row == 0 ? rows_default : size.ws_row};
}

// Whether another job of the shell has the terminal: what is drawn then would disturb it.
bool in_background() {
  const pid_t foreground = ::tcgetpgrp(STDERR_FILENO);
  return foreground >= 0 && foreground != ::getpgrp();
}

// "\x1b[3A": to the first of `lines` lines, whose last one holds the cursor.
std::string to_first_of(std::size_t lines) {
  return lines > 1 ? fmt::format("\r\x1b[{}A", lines - 1) : "\r";
}

std::string with_newline(std::string_view text) {
  std::string line{text};
  if (line.empty() || line.back() != '\n') line += '\n';
  return line;
}

}  // namespace

Console::Console(const CommonOptions& options, const input::EnvironmentLookup& environment)
    : quiet_(options.quiet), verbose_(options.verbose), json_(options.json) {
  const std::string term = environment("TERM").value_or("");
  can_redraw_ = ::isatty(STDERR_FILENO) == 1 && !term.empty() && term != "dumb";
  // https://no-color.org: set, and not empty.
  const bool no_color = !environment("NO_COLOR").value_or("").empty();
  colors_ = options.color == ColorMode::always ||
            (options.color == ColorMode::automatic && can_redraw_ && !no_color);
}

Console::~Console() { erase(); }

std::size_t Console::width() const { return terminal_size().columns; }

Result<void> Console::write(std::string_view data) {
  erase();
  const int code = write_all(STDOUT_FILENO, data);
  if (code == 0) return {};
  if (code == EPIPE) return fail(ErrorCode::io, "");
  return fail(code == ENOSPC ? ErrorCode::disk_full : ErrorCode::io,
              fmt::format("cannot write to standard output: {}", std::strerror(code)));
}

void Console::write_event(const std::string& json_line) {
  if (quiet_) return;
  erase();
  write_all(STDOUT_FILENO, json_line + "\n");
}

void Console::say(std::string_view text) {
  if (!quiet_) put(text);
}

void Console::detail(std::string_view text) {
  if (verbose_) put(text);
}

void Console::warn(std::string_view text) {
  if (!quiet_) alert(text);
}

void Console::alert(std::string_view text) {
  put((colors_ ? "\x1b[33mwarning:\x1b[0m " : "warning: ") + std::string{text});
}

void Console::error(std::string_view text) {
  const std::string name = colors_ ? "\x1b[31mratebatch:\x1b[0m " : "ratebatch: ";
  const bool several_lines = text.find('\n') != std::string_view::npos;
  put(several_lines ? std::string{text} : name + std::string{text});
}

void Console::draw(const std::vector<std::string>& lines) {
  if (!can_redraw_ || quiet_ || in_background()) return;
  // What is higher than the terminal could not be taken back.
  const std::size_t room = std::max<std::size_t>(terminal_size().rows, 2) - 1;
  const std::size_t skipped = lines.size() > room ? lines.size() - room : 0;
  std::vector<std::string> shown{lines.begin() + static_cast<std::ptrdiff_t>(skipped), lines.end()};
  std::string text = drawn_.empty() ? "" : to_first_of(drawn_.size());
  for (std::size_t i = 0; i < shown.size(); ++i) {
    if (i > 0) text += '\n';
    text += shown[i];
    text += erase_line_end;
  }
  if (drawn_.size() > shown.size()) text += erase_below;
  write_all(STDERR_FILENO, text);
  drawn_ = std::move(shown);
}

void Console::erase() {
  if (drawn_.empty()) return;
  write_all(STDERR_FILENO, eraser());
  drawn_.clear();
}

std::string Console::eraser() const {
  return drawn_.empty() ? "" : to_first_of(drawn_.size()) + std::string{erase_below};
}

void Console::put(std::string_view text) {
  std::string all = eraser() + with_newline(text);
  for (std::size_t i = 0; i < drawn_.size(); ++i) {
    if (i > 0) all += '\n';
    all += drawn_[i];
  }
  write_all(STDERR_FILENO, all);
}

}  // namespace ratebatch::cli
