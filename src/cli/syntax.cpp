#include "cli/syntax.hpp"

#include <fmt/format.h>

#include <CLI/App.hpp>
#include <CLI/Config.hpp>
#include <CLI/Formatter.hpp>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::cli {

namespace {

Problem split(CLI::App& app, const Words& arguments) {
  try {
    app.parse(Words{arguments.rbegin(), arguments.rend()});
  } catch (const CLI::ArgumentMismatch& e) {
    const std::string text = e.what();
    return fmt::format("{} needs a value", escaped(text.substr(0, text.find(':'))));
  } catch (const CLI::Error& e) {
    return escaped(e.what());
  }
  return std::nullopt;
}

}  // namespace

// An option as the library knows it.
struct Syntax::Added {
  Option& option;
  CLI::Option* in_library;

  static CLI::Option* add(CLI::App& app, Option& option) {
    switch (option.kind) {
      case Kind::flag:
        return app.add_flag(option.names, option.is_given);
      case Kind::flag_or_value:
        return app.add_flag(option.names, option.text)->take_last();
      case Kind::value:
        return app.add_option(option.names, option.text)->take_last();
      case Kind::list:
        return app.add_option(option.names, option.texts)
            ->expected(1)
            ->take_all()
            ->allow_extra_args(false);
    }
    return nullptr;
  }
};

void Syntax::declare(Kind kind, std::string_view option, std::string_view text,
                     std::function<Problem(const Words&)> read) {
  constexpr std::size_t text_column = 24;
  const std::string names{option.substr(0, option.find_first_of(" ["))};
  options_.push_back({kind, names, std::move(read), false, {}, {}});
  if (text.empty()) return;
  std::string left{option};
  const std::size_t comma = left.find(',');
  left = comma == 2 ? "  " + left.replace(comma, 1, ", ") : "      " + left;
  for (std::optional<std::string_view> rest = text; rest; left.clear()) {
    const auto [line, others] = parted(*rest, '\n');
    help_ += fmt::format("{:<{}}{}\n", left, text_column, line);
    rest = others;
  }
}

void Syntax::flag(std::string_view option, std::string_view text, bool& target, bool value) {
  declare(Kind::flag, option, text, [&target, value](const Words&) {
    target = value;
    return Problem{};
  });
}

void Syntax::value(std::string_view option, std::string_view text, Reader read) {
  declare(Kind::value, option, text,
          [read = std::move(read)](const Words& values) { return read(values.front()); });
}

void Syntax::flag_or_value(std::string_view option, std::string_view text, Reader read) {
  value(option, text, std::move(read));
  options_.back().kind = Kind::flag_or_value;
}

void Syntax::list(std::string_view option, std::string_view text, Words& target) {
  declare(Kind::list, option, text, [&target](const Words& values) {
    target = values;
    return Problem{};
  });
}

Problem Syntax::parse(const Words& arguments, Words* from_command) {
  CLI::App app;
  app.set_help_flag();
  app.allow_extras();
  if (from_command != nullptr) app.prefix_command();
  std::vector<Added> all;
  for (Option& option : options_) all.push_back({option, Added::add(app, option)});
  if (read_words_) app.add_option("words", words_);
  Problem problem = split(app, arguments);
  for (const auto& [option, in_library] : all) {
    if (option.kind != Kind::flag) option.is_given = in_library->count() > 0;
    // Flags need no check, and --help counts whatever else is wrong.
    if (option.kind == Kind::flag && option.is_given) (void)option.read({});
  }
  if (from_command != nullptr) *from_command = app.remaining();
  return problem || from_command != nullptr ? problem : check_rest(app.remaining());
}

// Complains about what no option took. "--" ends the options.
Problem Syntax::check_rest(const Words& rest) const {
  Words names;
  for (const Option& option : options_) names.push_back(option.name());
  const std::string* word = nullptr;
  bool has_ended = false;
  for (const std::string& argument : rest) {
    if (!has_ended && argument == "--") {
      has_ended = true;
    } else if (has_ended || argument.size() < 2 || argument.front() != '-') {
      if (word == nullptr) word = &argument;
    } else {
      const std::string name = argument.substr(0, argument.find('='));
      return fmt::format("unknown option '{}'{}", escaped(name), did_you_mean(name, names));
    }
  }
  if (word == nullptr) return std::nullopt;
  return fmt::format("unexpected argument '{}'", escaped(*word));
}

Problem Syntax::read() const {
  if (read_words_) {
    if (auto problem = read_words_(words_)) return problem;
  }
  for (const Option& option : options_) {
    if (!option.is_given || option.kind == Kind::flag) continue;
    const auto problem = option.read(option.kind == Kind::list ? option.texts : Words{option.text});
    if (problem) return option.name() + *problem;
  }
  return check_ ? check_() : std::nullopt;
}

}  // namespace ratebatch::cli
