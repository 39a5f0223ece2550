// What libcurl's error codes mean to us.
#pragma once

#include "net/curl_library.hpp"
#include "ratebatch/model/http.hpp"

namespace ratebatch::net {

// How far a transfer had come when it failed.
struct TransferProgress {
  bool request_sent = false;
  bool connected = false;   // Reached its host once, TLS included.
  bool total_over = false;  // All of the total timeout was used.
  long os_error = 0;        // errno of the connection, 0 where there was none.
};

// The fault of a transfer that ended with `code`. Precondition: code is not CURLE_OK.
TransferFault fault_of(CURLcode code, const TransferProgress& progress);

}  // namespace ratebatch::net
