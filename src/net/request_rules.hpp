// What may leave this machine, and to where: checked before libcurl sees a request.
#pragma once

#include <optional>
#include <string>
#include <unordered_map>

#include "ratebatch/base/url.hpp"
#include "ratebatch/model/http.hpp"

namespace ratebatch::net {

class CurlFunctions;

// Reads the origins of URLs as libcurl does when it connects (addresses in their usual form), and
// remembers them: a run sends most of its requests to the same few URLs.
class OriginReader {
 public:
  // Precondition: the functions outlive the reader.
  explicit OriginReader(const CurlFunctions& curl) : curl_(curl) {}

  // nullopt if the text is no absolute http or https URL, holds a control byte, or carries a user
  // name or password.
  std::optional<Origin> read(const std::string& url);

 private:
  const CurlFunctions& curl_;
  std::unordered_map<std::string, Origin> known_;
};

// Why our rules forbid the request, which goes to `origin`; nullopt if they allow it. The text may
// hold bytes of any kind, but never a key.
std::optional<std::string> why_forbidden(const HttpRequest& request, const Origin& origin,
                                         OriginReader& origins);

// Why a request that is `public_only` may not go to `origin`; nullopt if it may, as far as the name
// tells: its addresses are checked when they are connected to.
std::optional<std::string> why_not_public(const Origin& origin);

// The proxy that the environment names for https, as libcurl looks for it; empty if there is none.
std::string https_proxy();

}  // namespace ratebatch::net
