// Absolute http and https URLs, taken apart (RFC 3986). Strict: what another reader could take for
// another host is refused. Nothing is decoded, and no name is looked up. And text as a part of one.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>

namespace ratebatch::inline base {

// The parts that say who is spoken to.
struct Origin {
  std::string scheme;      // "http" or "https".
  std::string host;        // In lower case; IPv6 addresses in brackets.
  std::uint16_t port = 0;  // The scheme's own if the URL names none.

  friend bool operator==(const Origin&, const Origin&) = default;
};

// "host:port", and "scheme://host:port".
std::string host_and_port(const Origin& origin);
std::string origin_text(const Origin& origin);

struct Url {
  Origin origin;
  std::string path;                  // As it stands: empty, or with its first slash.
  std::optional<std::string> query;  // Without its '?'; the fragment is dropped.
};

// What is wrong with a URL, in the order in which it is looked for.
enum class UrlFault : std::uint8_t {
  bytes,   // It holds a control byte.
  scheme,  // It begins neither with http:// nor with https://.
  user,    // It carries a user name or a password.
  host,    // The host is missing, or holds what no host name or address may.
  port,    // What follows the host's colon is no number from 1 to 65535.
};

tl::expected<Url, UrlFault> read_url(std::string_view text);

// True for localhost, 127.0.0.0/8 and [::1]. Precondition: the host is in lower case.
bool is_loopback_host(std::string_view host);

// Every byte but letters, digits, -._~ (RFC 3986, section 2.3) and those in `kept` as %NN.
std::string percent_encoded(std::string_view text, std::string_view kept = {});

}  // namespace ratebatch::inline base
