#include "net/curl_handles.hpp"

#include <algorithm>
#include <array>
#include <initializer_list>
#include <string_view>

#include "ratebatch/base/ascii.hpp"

namespace ratebatch::net {
namespace {

// Sent unless the request has such a header. As lines of ours they cost a tenth of what libcurl
// takes to write them for its options, for each request anew.
constexpr std::array<std::string_view, 3> own_lines = {
    // libcurl would hold large bodies back for a second to ask whether they are welcome.
    "Expect:", "User-Agent: ratebatch", "Accept-Encoding: gzip, deflate"};

// The bytes of all lines at most, each with two for ": " and its zero byte.
std::size_t bytes_needed(const HttpRequest& request) {
  std::size_t bytes = 0;
  for (const std::string_view own : own_lines) bytes += own.size() + 1;
  for (const Header& header : request.headers) {
    bytes += header.name.size() + header.value.size() + 3;
  }
  if (!request.key_header) return bytes;
  const KeyHeader& key = *request.key_header;
  return bytes + key.name.size() + key.prefix.size() + key.key.reveal().size() + 3;
}

}  // namespace

curl_slist* HeaderLines::write(const HttpRequest& request) {
  wipe();
  // First, as lines that move would leave a key behind, and their addresses wrong.
  text_.reserve(bytes_needed(request));
  const auto add_line = [&](std::initializer_list<std::string_view> parts) {
    lines_.push_back({.data = text_.data() + text_.size(), .next = nullptr});
    for (const std::string_view part : parts) text_ += part;
    text_ += '\0';
  };
  for (const auto& [name, value] : request.headers) {
    // A colon without a value would mean to leave the header out.
    value.empty() ? add_line({name, ";"}) : add_line({name, ": ", value});
  }
  for (const std::string_view own : own_lines) {
    const std::string_view name = parted(own, ':').before;
    const bool is_given = std::ranges::any_of(request.headers, [&](const Header& header) {
      return equal_ignoring_case(header.name, name);
    });
    if (!is_given) add_line({own});
  }
  if (request.key_header) {
    const KeyHeader& key = *request.key_header;
    add_line({key.name, ": ", key.prefix, key.key.reveal()});
  }
  for (std::size_t i = 1; i < lines_.size(); ++i) lines_[i - 1].next = &lines_[i];
  return lines_.data();
}

void HeaderLines::wipe() {
  // volatile keeps the compiler from dropping stores that nobody reads.
  volatile char* at = text_.data();
  for (std::size_t i = 0; i < text_.size(); ++i) at[i] = '\0';
  text_.clear();
  lines_.clear();
}

}  // namespace ratebatch::net
