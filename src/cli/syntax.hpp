// The options and words of one command, each declared in one place: how it is written, what takes
// its value, and what the help prints of it.
//
// The one user of the library that splits a command line; nothing of it shows here.
#pragma once

#include <deque>
#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace ratebatch::cli {

// What is wrong, as a text for the user; nullopt if nothing is.
using Problem = std::optional<std::string>;

// Takes the value of an option. What is wrong with it is said from behind the option's name on, as
// in " 'x': expected a whole number".
using Reader = std::function<Problem(const std::string& value)>;

using Words = std::vector<std::string>;

// Targets and readers must outlive the syntax.
class Syntax {
 public:
  // Declares an option, as the help shows it: "-o,--output FILE" and what it is for; further lines
  // of the text stand below its first. Without a text the help leaves it out.
  void flag(std::string_view option, std::string_view text, bool& target, bool value = true);
  void value(std::string_view option, std::string_view text, Reader read);

  // An option with a value behind '=', "--sandbox[=OPTS]"; without one the reader is given "true".
  void flag_or_value(std::string_view option, std::string_view text, Reader read);

  // An option that may be given again, with one value each.
  void list(std::string_view option, std::string_view text, Words& target);

  // What stands beside the options; without this, nothing may.
  void words(std::function<Problem(const Words&)> read) { read_words_ = std::move(read); }

  // What is checked once all values are read.
  void check(std::function<Problem()> check) { check_ = std::move(check); }

  // The help of what was declared since the last call.
  [[nodiscard]] std::string take_help() { return std::exchange(help_, {}); }

  // Splits the arguments and sets the flags. With `from_command` only those before the first word,
  // which is a command: it gets that word with all that follows, and no words may be declared.
  Problem parse(const Words& arguments, Words* from_command = nullptr);

  // Hands the words and then the values on to their readers, in the order of declaration.
  // Precondition: parse found no problem.
  Problem read() const;

 private:
  enum class Kind { flag, flag_or_value, value, list };
  struct Option {
    Kind kind = Kind::flag;
    std::string names;
    std::function<Problem(const Words&)> read;
    bool is_given = false;
    std::string text;  // Of a value; of several the last.
    Words texts;       // Of a list.

    [[nodiscard]] std::string name() const { return names.substr(names.find("--")); }
  };
  struct Added;

  void declare(Kind kind, std::string_view option, std::string_view text,
               std::function<Problem(const Words&)> read);
  [[nodiscard]] Problem check_rest(const Words& rest) const;

  std::deque<Option> options_;
  Words words_;
  std::function<Problem(const Words&)> read_words_;
  std::function<Problem()> check_;
  std::string help_;
};

}  // namespace ratebatch::cli
