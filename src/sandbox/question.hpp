// An HTTP request as the sandbox sees it, and what it says back. Plain data, without a socket.
#pragma once

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

// Views into what the HTTP side holds.
struct Question {
  std::string_view method;
  std::string_view path;   // As it was sent, percent-encoded.
  std::string_view query;  // Behind the question mark.
  std::vector<HeaderView> headers;
  std::string_view body;

  // The value of the first header of this name, in any case; empty if there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const;

  // The decoded value of this name in the query; empty if there is none.
  [[nodiscard]] std::string query_value(std::string_view name) const;
};

struct Reply {
  int status = 200;  // 0: the connection is closed without an answer.
  std::vector<Header> headers;
  std::string body;
};

// The value of the first header of this name, in any case; empty if there is none.
std::string_view value_of(const std::vector<Header>& headers, std::string_view name);

// "%20" becomes a blank; what is no such code stays as it is.
std::string percent_decoded(std::string_view text);

}  // namespace ratebatch::sandbox
