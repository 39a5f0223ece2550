// An API key that cannot be printed by accident.
//
// No stream operator, no conversion, no comparison; copies are deliberate (`reveal`), and the
// memory is wiped when the Secret goes. Only the transport reveals one, to write the header.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

namespace ratebatch::inline model {

// Keys of providers have 32 characters and more.
constexpr std::size_t redacted_chars_min = 16;

class Secret {
 public:
  Secret() = default;
  explicit Secret(std::string value) : value_(std::move(value)) {}
  Secret(const Secret&) = default;
  Secret(Secret&& other) noexcept : value_(other.value_) { other.wipe(); }
  Secret& operator=(const Secret& other);
  Secret& operator=(Secret&& other) noexcept;
  ~Secret() { wipe(); }

  [[nodiscard]] bool empty() const { return value_.empty(); }

  // The key itself. Call this only where it leaves for its host.
  [[nodiscard]] std::string_view reveal() const { return value_; }

  // `text` with every occurrence of the key replaced by "[key]": for words from outside that may
  // repeat it, such as an error body. Nothing is replaced where the key is shorter than
  // redacted_chars_min: then it was made up for a server that asks for none ("ollama", "x"), and
  // stands in honest words by chance.
  [[nodiscard]] std::string redacted(std::string text) const;

 private:
  void wipe() noexcept;

  std::string value_;
};

}  // namespace ratebatch::inline model
