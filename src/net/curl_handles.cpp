#include "net/curl_handles.hpp"

#include <algorithm>
#include <array>
#include <string_view>

#include "ratebatch/base/ascii.hpp"

namespace ratebatch::net {
namespace {

struct OwnLine {
  std::string_view name;
  std::string_view line;
};

// Sent unless the request says something else. As lines of ours they cost a tenth of what libcurl
// takes to write them for its options, for each request anew.
constexpr std::array<OwnLine, 3> own_lines = {{
    // libcurl would hold large bodies back for a second to ask whether they are welcome.
    {"Expect", "Expect:"},
    {"User-Agent", "User-Agent: ratebatch"},
    {"Accept-Encoding", "Accept-Encoding: gzip, deflate"},
}};

// The bytes of all lines at most, each with two for ": " and its zero byte.
std::size_t bytes_needed(const HttpRequest& request) {
  std::size_t bytes = 0;
  for (const OwnLine& own : own_lines) bytes += own.line.size() + 1;
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
  const auto begin_line = [&] {
    lines_.push_back({.data = text_.data() + text_.size(), .next = nullptr});
  };
  for (const Header& header : request.headers) {
    begin_line();
    text_ += header.name;
    // A colon without a value would mean to leave the header out.
    if (header.value.empty()) {
      text_ += ';';
    } else {
      text_.append(": ").append(header.value);
    }
    text_ += '\0';
  }
  for (const OwnLine& own : own_lines) {
    const bool is_given = std::ranges::any_of(request.headers, [&](const Header& header) {
      return equal_ignoring_case(header.name, own.name);
    });
    if (is_given) continue;
    begin_line();
    text_.append(own.line).push_back('\0');
  }
  if (request.key_header) {
    const KeyHeader& key = *request.key_header;
    begin_line();
    text_.append(key.name).append(": ").append(key.prefix).append(key.key.reveal());
    text_ += '\0';
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
