#include "ratebatch/model/secret.hpp"

namespace ratebatch::inline model {

Secret& Secret::operator=(const Secret& other) {
  if (this != &other) {
    wipe();
    value_ = other.value_;
  }
  return *this;
}

Secret& Secret::operator=(Secret&& other) noexcept {
  if (this != &other) {
    wipe();
    // Copied, not moved: a moved short string leaves its bytes behind in the source.
    value_ = other.value_;
    other.wipe();
  }
  return *this;
}

std::string Secret::redacted(std::string text) const {
  if (value_.size() < redacted_chars_min) return text;
  for (std::size_t at = text.find(value_); at != std::string::npos; at = text.find(value_, at)) {
    text.replace(at, value_.size(), "[key]");
    at += 5;
  }
  return text;
}

void Secret::wipe() noexcept {
  // volatile keeps the compiler from dropping stores to memory that is about to be freed.
  volatile char* bytes = value_.data();
  for (std::size_t i = 0; i < value_.size(); ++i) bytes[i] = '\0';
  value_.clear();
}

}  // namespace ratebatch::inline model
