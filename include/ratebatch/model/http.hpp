// An HTTP request and what became of it, as plain data: dialects write and read these without
// knowing the library that carries them.
#pragma once

#include <chrono>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/secret.hpp"

namespace ratebatch {

struct Header {
  std::string name;
  std::string value;
};

// A header whose value is `prefix` + key. It is sent only to `origin` (scheme://host:port, as
// configured for its provider); a request to anywhere else fails unsent.
struct KeyHeader {
  std::string name;
  std::string prefix;
  Secret key;
  std::string origin;
};

struct HttpRequest {
  std::string method = "POST";
  std::string url;              // Absolute; https, or http where allowed below or to loopback.
  std::vector<Header> headers;  // Without control bytes: the transport refuses them.
  std::optional<KeyHeader> key_header;
  std::string body;
  bool allow_http = false;  // http:// to a host that is not loopback.
  std::string ca_file;      // PEM file of one's own CA; empty: the system's.
  Duration connect_timeout = std::chrono::seconds{10};
  Duration total_timeout = std::chrono::seconds{120};
  Duration stall_timeout = std::chrono::seconds{60};  // No byte for so long. At least 1 s.
  std::int64_t body_bytes_max = 64LL << 20U;          // Of the decoded reply.
  std::string body_file;  // If set, a 2xx body is written to this new file (0600), not to `body`.
};

// A complete reply of any status.
struct HttpReply {
  std::int32_t status = 0;
  std::vector<Header> headers;  // Names in lower case, in order of arrival, at most 64 KiB in all.
  std::string body;

  // The value of the first header of this name (in lower case); empty if there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const {
    for (const Header& h : headers) {
      if (h.name == name) return h.value;
    }
    return {};
  }
};

enum class TransferFault : std::uint8_t {
  not_allowed,  // Our rules forbid it: scheme, origin of the key, control byte. Nothing was sent.
  resolve,      // The host has no address.
  connect,      // Nobody answers there.
  tls,          // No trusted TLS connection: wrong certificate, expired, broken handshake.
  timeout,      // The total or connect time was over.
  stalled,      // No byte for stall_timeout.
  broken,       // The connection was closed or reset before the reply was complete.
  malformed,    // What came was not HTTP, or not what its headers say.
  too_large,    // Body or headers over their cap.
  local,        // Our own machine failed: no descriptor, the body file not writable.
};

// A transfer that brought no complete reply.
struct TransferFailure {
  TransferFault fault = TransferFault::broken;
  bool request_sent = false;  // All or part of the request left this machine: possibly paid.
  std::int32_t status = 0;    // Of the reply that broke off; 0: no status line came.
  std::string message;        // The host and the cause; never the key.
};

using TransferResult = std::variant<HttpReply, TransferFailure>;

}  // namespace ratebatch
