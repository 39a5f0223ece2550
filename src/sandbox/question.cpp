#include "sandbox/question.hpp"

#include <algorithm>
#include <charconv>

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
  for (std::size_t from = 0; from < query.size();) {
    const std::size_t end = std::min(query.find('&', from), query.size());
    const std::string_view pair = query.substr(from, end - from);
    const std::size_t equals = std::min(pair.find('='), pair.size());
    if (pair.substr(0, equals) == name) {
      return percent_decoded(pair.substr(std::min(equals + 1, pair.size())));
    }
    from = end + 1;
  }
  return {};
}

std::string_view value_of(const std::vector<Header>& headers, std::string_view name) {
  return find_value(headers, name);
}

std::string percent_decoded(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    unsigned value = 0;
    const char* digits = text.data() + at + 1;
    const bool is_code = text[at] == '%' && at + 2 < text.size() &&
                         std::from_chars(digits, digits + 2, value, 16).ptr == digits + 2;
    out += is_code ? static_cast<char>(static_cast<unsigned char>(value)) : text[at];
    if (is_code) at += 2;
  }
  return out;
}

}  // namespace ratebatch::sandbox
