#include "net/curl_faults.hpp"

#include <cerrno>

namespace ratebatch::net {
namespace {

// The kernel refused a socket for want of something of our own.
bool is_own_shortage(long os_error) {
  return os_error == EMFILE || os_error == ENFILE || os_error == ENOBUFS || os_error == ENOMEM ||
         os_error == EADDRNOTAVAIL;
}

TransferFault fault_of_time(const TransferProgress& progress) {
  const bool still_connecting = !progress.connected && !progress.request_sent;
  return progress.total_over || still_connecting ? TransferFault::timeout : TransferFault::stalled;
}

// What a failure before the request means, where one was sent all the same: a reused connection
// died under it, libcurl began anew, and would have been stopped before a second sending.
TransferFault before_sending(TransferFault fault, const TransferProgress& progress) {
  return progress.request_sent ? TransferFault::broken : fault;
}

}  // namespace

TransferFault fault_of(CURLcode code, const TransferProgress& progress) {
  // libcurl has a hundred codes; those not named come from features that are switched off here.
  switch (static_cast<int>(code)) {
    case CURLE_URL_MALFORMAT:
      return TransferFault::not_allowed;
    case CURLE_UNSUPPORTED_PROTOCOL:  // Also says that what came does not begin like HTTP.
      return progress.request_sent ? TransferFault::malformed : TransferFault::not_allowed;
    case CURLE_COULDNT_RESOLVE_HOST:
    case CURLE_COULDNT_RESOLVE_PROXY:
      return before_sending(TransferFault::resolve, progress);
    case CURLE_COULDNT_CONNECT:
      if (is_own_shortage(progress.os_error)) return TransferFault::local;
      return before_sending(TransferFault::connect, progress);
    case CURLE_PROXY:
      return before_sending(TransferFault::connect, progress);
    case CURLE_SSL_CONNECT_ERROR:
    case CURLE_PEER_FAILED_VERIFICATION:
    case CURLE_SSL_CACERT_BADFILE:
    case CURLE_SSL_CERTPROBLEM:
    case CURLE_SSL_CIPHER:
    case CURLE_SSL_ISSUER_ERROR:
    case CURLE_SSL_INVALIDCERTSTATUS:
    case CURLE_SSL_CLIENTCERT:
      return before_sending(TransferFault::tls, progress);
    case CURLE_OPERATION_TIMEDOUT:
      return fault_of_time(progress);
    case CURLE_WEIRD_SERVER_REPLY:
    case CURLE_BAD_CONTENT_ENCODING:
    case CURLE_WRITE_ERROR:  // Not ours, so the decompressor's.
      return TransferFault::malformed;
    case CURLE_OUT_OF_MEMORY:
      // libcurl 7.88 says so of a header line over 100 KB. Before a request is sent it means what
      // it says.
      return progress.request_sent ? TransferFault::too_large : TransferFault::local;
    case CURLE_FAILED_INIT:
    case CURLE_BAD_FUNCTION_ARGUMENT:
      return TransferFault::local;
    default:
      // Resets, early ends, broken HTTP/2 streams.
      return progress.connected || progress.request_sent ? TransferFault::broken
                                                         : TransferFault::connect;
  }
}

}  // namespace ratebatch::net
