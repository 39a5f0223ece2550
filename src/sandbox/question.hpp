// An HTTP request as the sandbox sees it, and what it says back. Plain data, without a socket.
#pragma once

#include <cstddef>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/model/http.hpp"

namespace ratebatch::sandbox {

struct HeaderView {
  std::string_view name;
  std::string_view value;
};

// The value of the first header of this name, in any case; empty if there is none. Of a list of
// HeaderView or of Header.
template <typename Headers>
std::string_view value_of(const Headers& headers, std::string_view name) {
  for (const auto& header : headers) {
    if (equal_ignoring_case(header.name, name)) return header.value;
  }
  return {};
}

// "%20" becomes a blank; what is no such code stays as it is.
inline std::string percent_decoded(std::string_view text) {
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

// Views into what the HTTP side holds.
struct Question {
  std::string_view method;
  std::string_view path;   // As it was sent, percent-encoded.
  std::string_view query;  // Behind the question mark.
  std::vector<HeaderView> headers;
  std::string_view body;

  [[nodiscard]] std::string_view header(std::string_view name) const {
    return value_of(headers, name);
  }

  // The decoded value of this name in the query; empty if there is none.
  [[nodiscard]] std::string query_value(std::string_view name) const {
    for (std::optional<std::string_view> rest = query; rest;) {
      const auto [pair, after] = parted(*rest, '&');
      const auto [key, value] = parted(pair, '=');
      if (key == name) return percent_decoded(value.value_or(""));
      rest = after;
    }
    return {};
  }
};

struct Reply {
  int status = 200;  // 0: the connection is closed without an answer.
  std::vector<Header> headers;
  std::string body;
};

}  // namespace ratebatch::sandbox
