// The one owner of standard output and standard error.
//
// Data goes to standard output; everything else to standard error: messages, and on a terminal the
// progress, which is redrawn in place below the messages. Texts given to it are printed as they
// are: what came from outside was escaped by whoever put the text together. Not safe for use by
// several threads.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/cli/options.hpp"

namespace ratebatch::cli {

class Console {
 public:
  // Looks at the terminal and at NO_COLOR and TERM.
  Console(const CommonOptions& options, const input::EnvironmentLookup& environment);

  // Takes the progress off the terminal.
  ~Console();

  Console(const Console&) = delete;
  Console& operator=(const Console&) = delete;

  // Whether progress can be redrawn in place: standard error is a terminal that knows how.
  [[nodiscard]] bool can_redraw() const { return can_redraw_; }

  [[nodiscard]] bool verbose() const { return verbose_; }
  [[nodiscard]] bool json() const { return json_; }

  // Columns of the terminal, at least 20; 80 where that is not known.
  [[nodiscard]] std::size_t width() const;

  // Writes data to standard output as it is. Fails with disk_full or io; with io and an empty
  // message where the reader went away, which needs no words.
  Result<void> write(std::string_view data);

  // Writes one JSON line of a run to standard output, unless quiet. A reader that went away does
  // not stop a run.
  void write_event(const std::string& json_line);

  // A line, or several, for people; not under --quiet.
  void say(std::string_view text);

  // The same, only under --verbose.
  void detail(std::string_view text);

  // Something that may be wrong; not under --quiet.
  void warn(std::string_view text);

  // Something a person must act on; always.
  void alert(std::string_view text);

  // What ends the program; always. One line is introduced by "ratebatch: "; the first of several
  // lines too, unless it begins with the place of the mistake.
  void error(std::string_view text);

  // Draws these lines below everything else, in place of the last ones. Nothing happens where
  // progress cannot be redrawn, under --quiet, or while the program is in the background.
  void draw(const std::vector<std::string>& lines);

  // Takes the progress away.
  void erase();

 private:
  [[nodiscard]] std::string eraser() const;
  void put(std::string_view text);

  bool quiet_;
  bool verbose_;
  bool json_;
  bool can_redraw_;
  bool colors_;
  std::vector<std::string> drawn_;
};

}  // namespace ratebatch::cli
