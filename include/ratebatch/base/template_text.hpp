// Prompt templates: text with {{name}}, {{name|default}} and {{name?}}.
//
// Read once, rendered for many jobs. Single braces and a lone "}}" are ordinary text (prompts show
// JSON); "{{" always opens a placeholder, and one that cannot be read is an error when the template
// is read, never text that silently reaches a model.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/result.hpp"

namespace ratebatch::inline base {

// The values of a job's variables, as text.
using Variables = std::map<std::string, std::string>;

class TextTemplate {
 public:
  // Reads a template. A name is any text without control characters and { } | ? : "; spaces around
  // it or a default do not count. Fails with invalid_input and the line within `text`, from 1.
  static Result<TextTemplate> parse(std::string_view text);

  // The variables that must be given and are not, in the order of the text, each once.
  [[nodiscard]] std::vector<std::string> missing(const Variables& variables) const;

  // All its variables, in the order of the text, each once.
  [[nodiscard]] std::vector<std::string> names() const;

  // Whether it is one placeholder and no text.
  [[nodiscard]] bool is_one_placeholder() const;

  // The bytes of the text around the placeholders.
  [[nodiscard]] std::size_t literal_bytes() const;

  // The text with its variables filled in. Variables it does not use are ignored. Fails with
  // invalid_input, naming what is missing.
  [[nodiscard]] Result<std::string> render(const Variables& variables) const;

 private:
  // Literal text, then a placeholder; the last piece has none (its name is empty).
  struct Piece {
    std::string text;
    std::string name;
    std::optional<std::string> fallback;  // Absent: the variable must be given.
  };

  std::vector<Piece> pieces_;
};

}  // namespace ratebatch::inline base
