#include "net/request_rules.hpp"

#include <algorithm>
#include <cstdint>
#include <cstdlib>
#include <string_view>

#include "net/curl_handles.hpp"
#include "net/public_address.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::net {
namespace {

// Remembered URLs at most. Our own choice: more than the endpoints of any run; what grows beyond
// are URLs that name one job each, such as downloads, and are not seen again.
constexpr std::size_t known_urls_max = 256;

// A part of a parsed URL; empty if the URL has none.
std::string part_of(const CurlFunctions& curl, const UrlHandle& url, CURLUPart part) {
  char* text = nullptr;
  if (curl.url_get(url.get(), part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  const CurlString owner(text, curl.free);
  return owner.get();
}

std::optional<Origin> parse_origin(const CurlFunctions& curl, const std::string& url) {
  const UrlHandle parsed(curl.url(), curl.url_cleanup);
  if (!parsed || has_control_byte(url) ||
      curl.url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return std::nullopt;
  }
  const auto port = whole_number<std::uint16_t>(part_of(curl, parsed, CURLUPART_PORT));
  Origin origin{.scheme = lower_case(part_of(curl, parsed, CURLUPART_SCHEME)),
                .host = lower_case(part_of(curl, parsed, CURLUPART_HOST)),
                .port = port.value_or(0)};
  const bool is_http = origin.scheme == "https" || origin.scheme == "http";
  const bool has_user = !part_of(curl, parsed, CURLUPART_USER).empty() ||
                        !part_of(curl, parsed, CURLUPART_PASSWORD).empty();
  if (!is_http || has_user || origin.host.empty() || !port) return std::nullopt;
  return origin;
}

// RFC 9110, section 5.6.2.
bool is_token(std::string_view name) {
  constexpr std::string_view marks = "!#$%&'*+-.^_`|~";
  return !name.empty() && std::all_of(name.begin(), name.end(), [&](char c) {
    return is_letter_or_digit(c) || contains(marks, {&c, 1});
  });
}

std::optional<std::string> why_headers_forbidden(const HttpRequest& request) {
  for (const Header& header : request.headers) {
    if (!is_token(header.name)) {
      return "a header's name may not be '" + escaped(header.name) + "'";
    }
    if (has_control_byte(header.value)) {
      return "the header '" + header.name + "' holds a control byte";
    }
  }
  return std::nullopt;
}

std::optional<std::string> why_key_forbidden(const KeyHeader& key, const Origin& origin,
                                             OriginReader& origins) {
  if (!is_token(key.name)) return "the key's header may not be named '" + escaped(key.name) + "'";
  if (has_control_byte(key.prefix) || has_control_byte(key.key.reveal())) {
    return "the key holds a control byte, such as a line end at its end";
  }
  const std::optional<Origin> bound = origins.read(key.origin);
  if (!bound) return "the key's origin '" + escaped(key.origin) + "' is no http or https URL";
  if (*bound != origin) {
    return "the key belongs to " + origin_text(*bound) + " and goes nowhere else";
  }
  return std::nullopt;
}

}  // namespace

std::optional<Origin> OriginReader::read(const std::string& url) {
  if (const auto known = known_.find(url); known != known_.end()) return known->second;
  std::optional<Origin> origin = parse_origin(curl_, url);
  if (!origin) return origin;  // Not remembered: it may hold a password.
  if (known_.size() >= known_urls_max) known_.clear();
  known_.emplace(url, *origin);
  return origin;
}

std::optional<std::string> why_forbidden(const HttpRequest& request, const Origin& origin,
                                         OriginReader& origins) {
  if (request.public_only && request.key_header) {
    return "a request to an announced URL carries no key";
  }
  if (request.method != "POST" && request.method != "GET") {
    return "the method '" + escaped(request.method) + "' is neither GET nor POST";
  }
  if (origin.scheme == "http" && !request.allow_http && !is_loopback_host(origin.host)) {
    return "http:// is for loopback only; use https://, or set allow_http for this provider";
  }
  if (std::optional<std::string> why = why_headers_forbidden(request)) return why;
  if (request.key_header) return why_key_forbidden(*request.key_header, origin, origins);
  return std::nullopt;
}

std::optional<std::string> why_not_public(const Origin& origin) {
  if (origin.scheme != "https") return "an announced URL must be https";
  if (is_loopback_host(origin.host) || !is_public(origin.host).value_or(true)) {
    return "an announced URL must lead to a public address";
  }
  return std::nullopt;
}

std::string https_proxy() {
  for (const char* name : {"https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"}) {
    const char* const proxy = std::getenv(name);
    if (proxy != nullptr && *proxy != '\0') return proxy;
  }
  return {};
}

}  // namespace ratebatch::net
