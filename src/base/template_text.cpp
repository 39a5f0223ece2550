#include "ratebatch/base/template_text.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::inline base {
namespace {

// As free as the columns of a spreadsheet, but {{ "a": 1 }} in a prompt that shows JSON is none.
bool is_name(std::string_view text) {
  return !text.empty() && !has_control_byte(text) &&
         text.find_first_of("{}|?:\"") == std::string_view::npos;
}

tl::unexpected<Error> bad_template(std::string_view text, std::size_t at, std::string what) {
  const auto line =
      1 + std::count(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at), '\n');
  return fail(ErrorCode::invalid_input, fmt::format("line {} of the template: {}", line, what));
}

// Adds a name that is not empty, unless it is there already.
void add_once(std::vector<std::string>& names, const std::string& name) {
  if (!name.empty() && std::ranges::count(names, name) == 0) names.push_back(name);
}

tl::unexpected<Error> without(const std::vector<std::string>& absent) {
  return fail(ErrorCode::invalid_input,
              fmt::format("missing variable{} '{}'", absent.size() == 1 ? "" : "s",
                          escaped(fmt::format("{}", fmt::join(absent, "', '")))));
}

}  // namespace

Result<TextTemplate> TextTemplate::parse(std::string_view text) {
  TextTemplate result;
  std::size_t done = 0;
  for (;;) {
    const std::size_t open = text.find("{{", done);
    Piece piece;
    piece.text = text.substr(done, open == std::string_view::npos ? open : open - done);
    if (open == std::string_view::npos) {
      result.pieces_.push_back(std::move(piece));
      return result;
    }
    const std::size_t close = text.find("}}", open + 2);
    if (close == std::string_view::npos) {
      return bad_template(text, open, "'{{' is never closed; expected for example {{artist}}");
    }
    const std::string_view inside = text.substr(open + 2, close - open - 2);
    const std::size_t bar = inside.find('|');
    std::string_view name = trimmed(inside.substr(0, bar));
    const bool optional = !name.empty() && name.back() == '?';
    if (optional) name = trimmed(name.substr(0, name.size() - 1));
    if (bar != std::string_view::npos) piece.fallback = trimmed(inside.substr(bar + 1));
    if (optional && !piece.fallback) piece.fallback = "";
    const bool twofold = optional && bar != std::string_view::npos;
    if (!is_name(name) || twofold || inside.find("{{") != std::string_view::npos) {
      return bad_template(text, open,
                          fmt::format("'{{{{{}}}}}' is not a placeholder; expected {{{{name}}}}, "
                                      "{{{{name|default}}}} or {{{{name?}}}}, where a name has no "
                                      "{{ }} | ? : \", tab or line break",
                                      escaped(inside, 60)));
    }
    piece.name = name;
    result.pieces_.push_back(std::move(piece));
    done = close + 2;
  }
}

std::vector<std::string> TextTemplate::missing(const Variables& variables) const {
  std::vector<std::string> absent;
  for (const Piece& piece : pieces_) {
    if (!piece.fallback && !variables.contains(piece.name)) add_once(absent, piece.name);
  }
  return absent;
}

std::vector<std::string> TextTemplate::names() const {
  std::vector<std::string> names;
  for (const Piece& piece : pieces_) add_once(names, piece.name);
  return names;
}

bool TextTemplate::is_one_placeholder() const {
  // The piece behind it has neither name nor text.
  return pieces_.size() == 2 && pieces_[0].text.empty() && pieces_[1].text.empty();
}

std::size_t TextTemplate::literal_bytes() const {
  std::size_t bytes = 0;
  for (const Piece& piece : pieces_) bytes += piece.text.size();
  return bytes;
}

Result<std::string> TextTemplate::render(const Variables& variables) const {
  std::string out;
  for (const Piece& piece : pieces_) {
    out += piece.text;
    if (piece.name.empty()) continue;
    const auto given = variables.find(piece.name);
    if (given == variables.end() && !piece.fallback) return without(missing(variables));
    out += given != variables.end() ? given->second : *piece.fallback;
  }
  return out;
}

}  // namespace ratebatch::inline base
