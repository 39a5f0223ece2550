#include "net/request_rules.hpp"

#include <arpa/inet.h>
#include <netinet/in.h>

#include <algorithm>
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

// A part of a parsed URL; empty where it has none.
std::string part_of(const CurlFunctions& curl, CURLU* url, CURLUPart part) {
  char* text = nullptr;
  if (curl.url_get(url, part, &text, CURLU_DEFAULT_PORT) != CURLUE_OK) return {};
  const CurlString owner(text, curl.free);
  return owner.get();
}

std::optional<Origin> parse_origin(const CurlFunctions& curl, const std::string& url) {
  const UrlHandle parsed(curl.url(), curl.url_cleanup);
  if (!parsed || has_control_byte(url) ||
      curl.url_set(parsed.get(), CURLUPART_URL, url.c_str(), 0) != CURLUE_OK) {
    return std::nullopt;
  }
  Origin origin{.scheme = part_of(curl, parsed.get(), CURLUPART_SCHEME),
                .host = part_of(curl, parsed.get(), CURLUPART_HOST),
                .port = part_of(curl, parsed.get(), CURLUPART_PORT)};
  origin.scheme = lower_case(origin.scheme);
  origin.host = lower_case(origin.host);
  const bool is_http = origin.scheme == "https" || origin.scheme == "http";
  const bool has_user = !part_of(curl, parsed.get(), CURLUPART_USER).empty() ||
                        !part_of(curl, parsed.get(), CURLUPART_PASSWORD).empty();
  if (!is_http || has_user || origin.host.empty()) return std::nullopt;
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
    return "the key belongs to " + bound->scheme + "://" + name_of(*bound) +
           " and goes nowhere else";
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

std::string name_of(const Origin& origin) { return origin.host + ":" + origin.port; }

bool is_loopback(const Origin& origin) {
  if (origin.host == "localhost") return true;
  in_addr v4{};
  if (inet_pton(AF_INET, origin.host.c_str(), &v4) == 1) {
    return (ntohl(v4.s_addr) >> 24U) == 127;
  }
  const std::size_t size = origin.host.size();
  if (size < 2 || origin.host.front() != '[' || origin.host.back() != ']') return false;
  in6_addr v6{};
  const std::string inner = origin.host.substr(1, size - 2);
  return inet_pton(AF_INET6, inner.c_str(), &v6) == 1 && IN6_IS_ADDR_LOOPBACK(&v6);
}

std::optional<std::string> why_forbidden(const HttpRequest& request, const Origin& origin,
                                         OriginReader& origins) {
  if (request.public_only && request.key_header) {
    return "a request to an announced URL carries no key";
  }
  if (request.method != "POST" && request.method != "GET") {
    return "the method '" + escaped(request.method) + "' is neither GET nor POST";
  }
  if (origin.scheme == "http" && !request.allow_http && !is_loopback(origin)) {
    return "http:// is for loopback only; use https://, or set allow_http for this provider";
  }
  if (std::optional<std::string> why = why_headers_forbidden(request)) return why;
  if (request.key_header) return why_key_forbidden(*request.key_header, origin, origins);
  return std::nullopt;
}

std::optional<std::string> why_not_public(const Origin& origin) {
  if (origin.scheme != "https") return "an announced URL must be https";
  if (is_loopback(origin) || !is_public(origin.host).value_or(true)) {
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
