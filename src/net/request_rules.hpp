// What may leave this machine, and to where: checked before libcurl sees a request.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "ratebatch/model/http.hpp"

namespace ratebatch::net {

struct CurlFunctions;

// The parts of an http or https URL that say who is spoken to.
struct Origin {
  std::string scheme;  // "http" or "https".
  std::string host;    // Lower case; addresses in their usual form, IPv6 in brackets.
  std::string port;    // Always filled in: the scheme's own where the URL names none.

  friend bool operator==(const Origin&, const Origin&) = default;
};

// Reads the origins of URLs, as libcurl will when it connects, and remembers them: a run sends most
// of its requests to the same few URLs.
class OriginReader {
 public:
  // Precondition: the functions outlive the reader.
  explicit OriginReader(const CurlFunctions& curl) : curl_(curl) {}

  // Nothing where the text is no absolute http or https URL, holds a control byte, or carries a
  // user name or password.
  std::optional<Origin> read(const std::string& url);

 private:
  const CurlFunctions& curl_;
  std::unordered_map<std::string, Origin> known_;
};

// "host:port", for messages.
std::string name_of(const Origin& origin);

// True for localhost, 127.0.0.0/8 and ::1.
bool is_loopback(const Origin& origin);

// Why our rules forbid the request, which goes to `origin`; nothing: they allow it. The text may
// hold foreign bytes, never a key.
std::optional<std::string> why_forbidden(const HttpRequest& request, const Origin& origin,
                                         OriginReader& origins);

// Why a request that is `public_only` may not go to `origin`, as far as that tells: where its name
// leads is seen at connect only.
std::optional<std::string> why_not_public(const Origin& origin);

// The proxy that the environment names for https, as libcurl looks for it; empty: none.
std::string https_proxy();

}  // namespace ratebatch::net
