#include "ratebatch/base/url.hpp"

#include <algorithm>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::inline base {
namespace {

// The marks of RFC 3986, section 2.3.
constexpr std::string_view unreserved = "-._~";

// Stricter than RFC 3986, section 3.2.2. Names that are not ASCII are for others to encode.
bool is_host(std::string_view host) {
  if (host.starts_with('[')) {
    return host.size() > 2 && host.find(']') == host.size() - 1 && contains(host, ":");
  }
  return !host.empty() && std::ranges::all_of(host, [&](char c) {
    return is_letter_or_digit(c) || static_cast<unsigned char>(c) >= 0x80 ||
           contains(unreserved, {&c, 1});
  });
}

}  // namespace

std::string host_and_port(const Origin& origin) {
  return origin.host + ":" + std::to_string(origin.port);
}

std::string origin_text(const Origin& origin) {
  return origin.scheme + "://" + host_and_port(origin);
}

tl::expected<Url, UrlFault> read_url(std::string_view text) {
  if (has_control_byte(text)) return tl::unexpected(UrlFault::bytes);
  const std::size_t scheme_end = std::min(text.find("://"), text.size());
  Url url;
  url.origin.scheme = lower_case(text.substr(0, scheme_end));
  const bool is_https = url.origin.scheme == "https";
  if (scheme_end == text.size() || (!is_https && url.origin.scheme != "http")) {
    return tl::unexpected(UrlFault::scheme);
  }
  text = parted(text.substr(scheme_end + 3), '#').before;
  const std::string_view authority = text.substr(0, text.find_first_of("/?"));
  if (contains(authority, "@")) return tl::unexpected(UrlFault::user);
  // The colon of a port comes after the bracket of an IPv6 address.
  const std::size_t bracket = authority.find(']');
  const std::size_t colon = authority.find(':', bracket == std::string_view::npos ? 0 : bracket);
  url.origin.host = lower_case(authority.substr(0, colon));
  if (!is_host(url.origin.host)) return tl::unexpected(UrlFault::host);
  url.origin.port = is_https ? 443 : 80;
  if (colon != std::string_view::npos) {
    url.origin.port = whole_number<std::uint16_t>(authority.substr(colon + 1)).value_or(0);
    if (url.origin.port == 0) return tl::unexpected(UrlFault::port);
  }
  const auto [path, query] = parted(text.substr(authority.size()), '?');
  url.path = path;
  url.query = query;
  return url;
}

bool is_loopback_host(std::string_view host) {
  if (host == "localhost" || host == "[::1]") return true;
  // Short forms too: 127.1 is 127.0.0.1. A leading zero would make a number octal.
  constexpr std::size_t numbers_max = 4;
  std::size_t numbers = 0;
  for (std::optional<std::string_view> rest = host; rest; ++numbers) {
    const auto [text, after] = parted(*rest, '.');
    const auto number = whole_number<std::uint8_t>(text);
    if (!number || (text.size() > 1 && text.starts_with('0'))) return false;
    if (numbers == 0 && *number != 127) return false;
    rest = after;
  }
  return numbers > 1 && numbers <= numbers_max;
}

std::string percent_encoded(std::string_view text, std::string_view kept) {
  std::string encoded;
  encoded.reserve(text.size());
  for (const char c : text) {
    const bool is_kept =
        is_letter_or_digit(c) || contains(unreserved, {&c, 1}) || contains(kept, {&c, 1});
    encoded += is_kept ? std::string{c} : '%' + hex_of(c, true);
  }
  return encoded;
}

}  // namespace ratebatch::inline base
