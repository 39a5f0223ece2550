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

namespace ratebatch::inline model {

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

// Which parts of a 2xx reply go to files as they arrive, so that memory never holds them. Without a
// folder none do, and the reply's body holds everything. It also holds what could not go to a file:
// a text that is not base64, what no file could be made for, what the disk had no room for. A paid
// answer is worth more than the memory, and whoever stores it meets the same disk and says so.
struct ReplyFiles {
  // Names of JSON members, at any depth: a string value of at least reply_file_text_bytes_min is
  // decoded from base64 (behind "data:image/png;base64," too) into a new file, and the body holds
  // "file:0" (the file's index) instead; the first reply_files_max of a reply.
  std::vector<std::string> members;
  // A body whose Content-Type is neither JSON nor text, as a whole; without a Content-Type one that
  // does not begin with { or [.
  bool binary_body = false;
  std::string folder;  // Set by whoever sends the request. It exists.
  std::string stem;    // New files (0600) are called "STEM-0", "STEM-1", and so on.
};

// Shorter texts, as they stand in the JSON, stay in the body: they are no picture, or cost nothing
// there.
constexpr std::size_t reply_file_text_bytes_min = 4096;

// Our own choice: no API gives more than 10 pictures, and each file is synced.
constexpr std::size_t reply_files_max = 64;

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
  ReplyFiles reply_files;
  // Only over https, and only to public addresses, checked at connect: for URLs that a server
  // announced. Such a request carries no key. Where the environment names a proxy, that connects,
  // and only addresses written in the URL are checked.
  bool public_only = false;
};

// A part of a reply in a file: complete and synced. It belongs to whoever took the reply.
struct ReplyFile {
  std::string path;
  std::int64_t bytes = 0;
  std::string head;  // Its first bytes, at most 32: enough to tell its type.
};

// A complete reply of any status.
struct HttpReply {
  std::int32_t status = 0;
  std::vector<Header> headers;  // Names in lower case, in order of arrival, at most 64 KiB in all.
  std::string body;
  std::vector<ReplyFile> files;  // See ReplyFiles; "file:0" in the body names the first.

  // The value of the first header of this name (in lower case); empty if there is none.
  [[nodiscard]] std::string_view header(std::string_view name) const {
    for (const Header& h : headers) {
      if (h.name == name) return h.value;
    }
    return {};
  }
};

enum class TransferFault : std::uint8_t {
  not_allowed,  // Our rules forbid it: scheme, origin of the key, address, control byte. Nothing
                // was sent.
  resolve,      // The host has no address.
  connect,      // Nobody answers there.
  tls,          // No trusted TLS connection: wrong certificate, expired, broken handshake.
  timeout,      // The total or connect time was over.
  stalled,      // No byte for stall_timeout.
  broken,       // The connection was closed or reset before the reply was complete.
  malformed,    // What came was not HTTP, or not what its headers say.
  too_large,    // Body or headers over their cap.
  local,        // Our own machine failed: no descriptor, a file of the reply not synced.
};

// A transfer that brought no complete reply.
struct TransferFailure {
  TransferFault fault = TransferFault::broken;
  bool request_sent = false;  // All or part of the request left this machine: possibly paid.
  std::int32_t status = 0;    // Of the reply that broke off; 0: no status line came.
  std::string message;        // The host and the cause; never the key.
};

using TransferResult = std::variant<HttpReply, TransferFailure>;

}  // namespace ratebatch::inline model
