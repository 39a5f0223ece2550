#include "net/curl_faults.hpp"

#include <algorithm>
#include <array>
#include <cerrno>

namespace ratebatch::net {
namespace {

using F = TransferFault;

struct CodeMeaning {
  CURLcode code;
  TransferFault unsent;  // Before a byte of the request was sent.
  TransferFault sent;    // From then on.
};

// libcurl has a hundred codes; those not named come from features that are switched off here, or
// are resets, early ends and broken HTTP/2 streams. Where a code of a failure before the request
// comes after it, a reused connection died under the request, and libcurl began anew: it would have
// been stopped before a second sending.
constexpr std::array<CodeMeaning, 20> code_meanings = {{
    {CURLE_URL_MALFORMAT, F::not_allowed, F::not_allowed},
    // Also says that what came does not begin like HTTP.
    {CURLE_UNSUPPORTED_PROTOCOL, F::not_allowed, F::malformed},
    {CURLE_COULDNT_RESOLVE_HOST, F::resolve, F::broken},
    {CURLE_COULDNT_RESOLVE_PROXY, F::resolve, F::broken},
    {CURLE_COULDNT_CONNECT, F::connect, F::broken},
    {CURLE_PROXY, F::connect, F::broken},
    {CURLE_SSL_CONNECT_ERROR, F::tls, F::broken},
    {CURLE_PEER_FAILED_VERIFICATION, F::tls, F::broken},
    {CURLE_SSL_CACERT_BADFILE, F::tls, F::broken},
    {CURLE_SSL_CERTPROBLEM, F::tls, F::broken},
    {CURLE_SSL_CIPHER, F::tls, F::broken},
    {CURLE_SSL_ISSUER_ERROR, F::tls, F::broken},
    {CURLE_SSL_INVALIDCERTSTATUS, F::tls, F::broken},
    {CURLE_SSL_CLIENTCERT, F::tls, F::broken},
    {CURLE_WEIRD_SERVER_REPLY, F::malformed, F::malformed},
    {CURLE_BAD_CONTENT_ENCODING, F::malformed, F::malformed},
    {CURLE_WRITE_ERROR, F::malformed, F::malformed},  // Not ours, so the decompressor's.
    // libcurl 7.88 says so of a header line over 100 KB. Before a request is sent it means it.
    {CURLE_OUT_OF_MEMORY, F::local, F::too_large},
    {CURLE_FAILED_INIT, F::local, F::local},
    {CURLE_BAD_FUNCTION_ARGUMENT, F::local, F::local},
}};

// The kernel refused a socket for want of something of our own.
bool is_own_shortage(long os_error) {
  return os_error == EMFILE || os_error == ENFILE || os_error == ENOBUFS || os_error == ENOMEM ||
         os_error == EADDRNOTAVAIL;
}

}  // namespace

TransferFault fault_of(CURLcode code, const TransferProgress& progress) {
  const bool has_begun = progress.connected || progress.request_sent;
  if (code == CURLE_OPERATION_TIMEDOUT) {
    return progress.total_over || !has_begun ? F::timeout : F::stalled;
  }
  if (code == CURLE_COULDNT_CONNECT && is_own_shortage(progress.os_error)) return F::local;
  const auto known = std::ranges::find(code_meanings, code, &CodeMeaning::code);
  if (known == code_meanings.end()) return has_begun ? F::broken : F::connect;
  return progress.request_sent ? known->sent : known->unsent;
}

}  // namespace ratebatch::net
