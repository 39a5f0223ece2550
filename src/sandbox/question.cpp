#include "sandbox/question.hpp"

#include <optional>

#include "ratebatch/base/ascii.hpp"

namespace ratebatch::sandbox {
namespace {

template <typename Headers>
std::string_view find_value(const Headers& headers, std::string_view name) {
  for (const auto& header : headers) {
    if (equal_ignoring_case(header.name, name)) return header.value;
  }
  return {};
}

}  // namespace

std::string_view Question::header(std::string_view name) const { return find_value(headers, name); }

std::string Question::query_value(std::string_view name) const {
  for (std::optional<std::string_view> rest = query; rest;) {
    const auto [pair, after] = parted(*rest, '&');
    const auto [key, value] = parted(pair, '=');
    if (key == name) return percent_decoded(value.value_or(""));
    rest = after;
  }
  return {};
}

std::string_view value_of(const std::vector<Header>& headers, std::string_view name) {
  return find_value(headers, name);
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const auto code = text[at] == '%' && at + 2 < text.size()
                          ? whole_number<unsigned char>(text.substr(at + 1, 2), 16)
                          : std::nullopt;
    out += code ? static_cast<char>(*code) : text[at];
    if (code) at += 2;
  }
  return out;
}

}  // namespace ratebatch::sandbox
