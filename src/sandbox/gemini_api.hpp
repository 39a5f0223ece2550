// The Gemini API of Google: generateContent with texts and pictures. Sources: its API reference,
// and replies that users published.
#pragma once

#include "sandbox/api.hpp"

namespace ratebatch::sandbox {

class GeminiApi final : public Api {
 public:
  using Api::Api;

  [[nodiscard]] std::string_view name() const override { return "gemini"; }
  [[nodiscard]] KeyPlace key_place(const Question& question, std::string_view rest) const override;
  [[nodiscard]] tl::expected<Generation, Trouble> read(const Question& question,
                                                       std::string_view rest) const override;
  [[nodiscard]] Cost cost(const Generation& asked, const Amounts& use) const override;
  [[nodiscard]] std::vector<Header> limit_headers(const Decision& decision, Now now) const override;
  [[nodiscard]] Reply answer(const Generation& asked, const AnswerMark& mark) const override;
  [[nodiscard]] Reply error(const Trouble& trouble, const std::string& id) const override;
};

}  // namespace ratebatch::sandbox
