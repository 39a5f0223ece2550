// The transport of real runs: libcurl's multi interface on the caller's thread.
//
// HTTP/2 over TLS and HTTP/1.1 otherwise, with connections kept and reused, one request on each at
// a time. A request that may have reached its server is never sent again: libcurl's own second try
// after a dead connection is made impossible (see src/net/curl_transfer.cpp). Certificates are
// always checked, redirects never followed, cookies and .netrc never used; a proxy comes from the
// environment, except for loopback. Parts of replies go to files as they arrive (see ReplyFiles).
// Not safe for use by several threads. The program must ignore SIGPIPE.
#pragma once

#include <cstdint>
#include <memory>
#include <string>

#include "ratebatch/base/result.hpp"
#include "ratebatch/net/transport.hpp"

namespace ratebatch::net {

struct CurlTransportOptions {
  std::int32_t connections_max = 16;  // Connections kept open between requests: one per worker.
  int wake_descriptor = -1;  // wait() returns when it is readable; the caller empties it. -1: none.
  // An origin (http://127.0.0.1:8080) that requests which are `public_only` may go to although it
  // is neither public nor https: our own sandbox. Empty: none.
  std::string public_only_exception;
};

// Opens libcurl, which is not loaded with the program. Fails with not_found where it is missing or
// not the one that is needed, and with io where it cannot start. Precondition: connections_max is
// at least 1, an exception is an origin; a wake descriptor outlives the transport. Aborts where
// there is no memory left.
//
// The methods of requests are GET and POST. wait() returns at once where `longest` is not above
// zero; a part of a millisecond counts as a whole one. The destructor breaks off what is in flight.
Result<std::unique_ptr<Transport>> open_curl_transport(const CurlTransportOptions& options);

// "7.88.1 (OpenSSL/3.0.17)", of the libcurl that a run would load now, for `--version`; in
// brackets, why there is none.
std::string curl_library_version();

}  // namespace ratebatch::net
