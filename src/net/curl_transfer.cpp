#include "net/curl_transfer.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <utility>

#include "net/curl_faults.hpp"
#include "net/public_address.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::net {
namespace {

// Idle connections older than this are not used again: load balancers commonly close them after 30
// to 60 s, and a request into a closing connection is lost.
constexpr long idle_connection_seconds_max = 20;

long rounded_up(Duration d, Duration unit) {
  const auto count = (d.count() + unit.count() - 1) / unit.count();
  return static_cast<long>(std::max<Duration::rep>(count, 1));  // To libcurl 0 means for ever.
}

}  // namespace

CurlTransfer::CurlTransfer(const CurlFunctions& curl, OriginReader& origins,
                           const std::optional<Origin>& exception)
    : curl_(curl),
      origins_(origins),
      exception_(exception),
      easy_(curl.easy_init(), curl.easy_cleanup) {}

std::optional<TransferFailure> CurlTransfer::start(TransferId id, HttpRequest request) {
  id_ = id;
  request_ = std::move(request);
  if (!easy_) return failure(TransferFault::local, "libcurl is out of memory");
  std::optional<Origin> origin = origins_.read(request_.url);
  if (!origin) {
    // The URL is not shown: it may hold a password.
    return failure(TransferFault::not_allowed,
                   "the URL must be absolute, http or https, without user name and control bytes");
  }
  host_ = host_and_port(*origin);
  const bool public_only = request_.public_only && *origin != exception_;
  std::optional<std::string> why = public_only ? why_not_public(*origin) : std::nullopt;
  if (!why) why = why_forbidden(request_, *origin, origins_);
  if (why) return failure(TransferFault::not_allowed, *why);
  sink_.emplace(request_.body_bytes_max, request_.reply_files);
  set_endpoint({.origin = std::move(*origin),
                .ca_file = request_.ca_file,
                .connect_timeout = request_.connect_timeout,
                .total_timeout = request_.total_timeout,
                .stall_timeout = request_.stall_timeout,
                .public_only = public_only});
  set_request();
  if (setup_ != CURLE_OK) return failure(TransferFault::local, curl_.easy_strerror(setup_));
  return std::nullopt;
}

template <typename T>
void CurlTransfer::set(CURLoption option, T value) {
  if (setup_ == CURLE_OK) setup_ = curl_.easy_setopt(easy_.get(), option, value);
}

void CurlTransfer::set_endpoint(Endpoint endpoint) {
  if (endpoint_ == endpoint) return;
  endpoint_.reset();
  setup_ = CURLE_OK;
  curl_.easy_reset(easy_.get());
  set_origin_rules(endpoint);
  set_timeouts(endpoint);
  set_callbacks();
  if (setup_ == CURLE_OK) endpoint_ = std::move(endpoint);
}

void CurlTransfer::set_origin_rules(const Endpoint& endpoint) {
  const Origin& origin = endpoint.origin;
  set(CURLOPT_PROTOCOLS_STR, origin.scheme.c_str());
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  // What libcurl finds in the environment holds, but nothing on this machine goes through it.
  if (is_loopback_host(origin.host)) set(CURLOPT_PROXY, "");
  public_peers_ = false;
  if (endpoint.public_only) {
    // Ours to know, as it decides whether the addresses that libcurl connects to are the host's.
    // Names that no_proxy keeps from it are those of hosts inside: no reason to go there directly.
    const std::string proxy = https_proxy();
    public_peers_ = proxy.empty();
    set(CURLOPT_PROXY, proxy.c_str());
    set(CURLOPT_NOPROXY, "");
  }
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // A proxy's own reply is no status of the server.

  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!endpoint.ca_file.empty()) {
    set(CURLOPT_CAINFO, endpoint.ca_file.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // One's own CA, not also the system's.
  }

  // HTTP/2 without TLS is not for Debian's libcurl 7.88: it fails where a connection is used again.
  const bool is_tls = origin.scheme == "https";
  set(CURLOPT_HTTP_VERSION,
      static_cast<long>(is_tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
  set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate");  // Unpacks these; the header line is our own.
}

void CurlTransfer::set_timeouts(const Endpoint& endpoint) {
  set(CURLOPT_NOSIGNAL, 1L);
  // A timeout during name resolution must not wait for the resolver's thread: all transfers share
  // ours.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);  // Answers take minutes; routers forget silent connections.
  set(CURLOPT_MAXAGE_CONN, idle_connection_seconds_max);
  set(CURLOPT_CONNECTTIMEOUT_MS,
      rounded_up(endpoint.connect_timeout, std::chrono::milliseconds{1}));
  set(CURLOPT_TIMEOUT_MS, rounded_up(endpoint.total_timeout, std::chrono::milliseconds{1}));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, rounded_up(endpoint.stall_timeout, std::chrono::seconds{1}));
}

void CurlTransfer::set_callbacks() {
  set(CURLOPT_PRIVATE, static_cast<void*>(this));
  set(CURLOPT_ERRORBUFFER, error_text_.data());
  set(CURLOPT_HEADERFUNCTION, &CurlTransfer::on_header);
  set(CURLOPT_HEADERDATA, static_cast<void*>(this));
  set(CURLOPT_WRITEFUNCTION, &CurlTransfer::on_body);
  set(CURLOPT_WRITEDATA, static_cast<void*>(this));
  set(CURLOPT_OPENSOCKETFUNCTION, &CurlTransfer::on_open_socket);
  set(CURLOPT_OPENSOCKETDATA, static_cast<void*>(this));
  set(CURLOPT_PREREQFUNCTION, &CurlTransfer::on_request);
  set(CURLOPT_PREREQDATA, static_cast<void*>(this));
}

void CurlTransfer::set_request() {
  set(CURLOPT_URL, request_.url.c_str());
  if (request_.method == "GET") {
    set(CURLOPT_HTTPGET, 1L);
  } else {
    // libcurl keeps the pointer and sends what is below 64 KiB together with the headers.
    set(CURLOPT_POSTFIELDS, request_.body.c_str());
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  }
  set(CURLOPT_HTTPHEADER, header_lines_.write(request_));
}

FinishedTransfer CurlTransfer::finish(CURLcode code) {
  FinishedTransfer finished{.id = id_, .result = {}, .took = {}};
  curl_off_t took_us = 0;
  if (curl_.easy_getinfo(easy_.get(), CURLINFO_TOTAL_TIME_T, &took_us) == CURLE_OK) {
    finished.took = std::chrono::microseconds{took_us};
  }
  if (const ReplySink::Refusal* refusal = sink_->refusal(); refusal != nullptr) {
    finished.result = failure(refusal->fault, refusal->message);
  } else if (code != CURLE_OK) {
    finished.result = failure_of(code);
  } else if (!sink_->has_headers()) {
    // libcurl is content with any header byte before the end.
    finished.result = failure(TransferFault::broken, "the reply ended within its headers");
  } else if (Result<HttpReply> reply = sink_->finish()) {
    finished.result = std::move(*reply);
    complete_ = true;
  } else {
    finished.result = failure(TransferFault::local, reply.error().message);
  }
  return finished;
}

void CurlTransfer::forget() {
  set(CURLOPT_HTTPHEADER, static_cast<curl_slist*>(nullptr));
  set(CURLOPT_POSTFIELDS, static_cast<const char*>(nullptr));
  header_lines_.wipe();
  // Options that were refused, or a handle that broke off: the next request begins anew.
  if (!complete_) endpoint_.reset();
  request_ = {};
  host_.clear();
  sink_.reset();
  begun_ = false;
  resend_prevented_ = false;
  complete_ = false;
  socket_error_ = 0;
  has_socket_ = false;
  refused_peer_.clear();
}

bool CurlTransfer::request_sent() const {
  if (!begun_) return false;
  // The time is set once libcurl handed over what it could at first; the size counts what the
  // kernel took by then. Neither: the connection was dead before a byte.
  long size = 0;
  curl_off_t handed_over_us = 0;
  curl_.easy_getinfo(easy_.get(), CURLINFO_REQUEST_SIZE, &size);
  curl_.easy_getinfo(easy_.get(), CURLINFO_PRETRANSFER_TIME_T, &handed_over_us);
  return size > 0 || handed_over_us > 0;
}

TransferFailure CurlTransfer::failure(TransferFault fault, std::string_view cause) const {
  std::string message = host_.empty() ? std::string(cause) : host_ + ": " + std::string(cause);
  // A server may say anything, also a key that it was sent.
  if (request_.key_header) message = request_.key_header->key.redacted(std::move(message));
  return TransferFailure{.fault = fault,
                         .request_sent = request_sent(),
                         .status = sink_ ? sink_->status() : 0,
                         .message = std::move(message)};
}

TransferFailure CurlTransfer::failure_of(CURLcode code) const {
  if (resend_prevented_) {
    return failure(TransferFault::broken, "the connection was closed before a reply came");
  }
  if (!refused_peer_.empty() && !has_socket_ && !begun_) {
    return failure(TransferFault::not_allowed,
                   "an announced URL must lead to a public address, not to " + refused_peer_);
  }
  TransferProgress progress{.request_sent = request_sent(), .connected = begun_};
  curl_off_t total_us = 0;
  curl_.easy_getinfo(easy_.get(), CURLINFO_TOTAL_TIME_T, &total_us);
  curl_.easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &progress.os_error);
  if (socket_error_ != 0) progress.os_error = socket_error_;
  // libcurl's timers work in milliseconds.
  progress.total_over =
      std::chrono::microseconds{total_us} + std::chrono::milliseconds{1} >= request_.total_timeout;
  const char* text = error_text_[0] != '\0' ? error_text_.data() : curl_.easy_strerror(code);
  return failure(fault_of(code, progress), escaped(text));
}

int CurlTransfer::on_request(void* self, char* peer_ip, char* /*own_ip*/, int /*peer_port*/,
                             int /*own_port*/) noexcept {
  // libcurl calls this before each sending of the request, and would send it again by itself where
  // a reused connection dies before a reply byte. The server may have done the work the first time.
  auto& transfer = *static_cast<CurlTransfer*>(self);
  // A kept connection may be one that another request was allowed to open.
  if (transfer.public_peers_ && !is_public(std::string(peer_ip)).value_or(false)) {
    transfer.refused_peer_ = peer_ip;
    return CURL_PREREQFUNC_ABORT;
  }
  transfer.resend_prevented_ = transfer.begun_;
  transfer.begun_ = true;
  return transfer.resend_prevented_ ? CURL_PREREQFUNC_ABORT : CURL_PREREQFUNC_OK;
}

std::size_t CurlTransfer::on_header(char* from, std::size_t size, std::size_t count,
                                    void* self) noexcept {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  return transfer.sink_->take_header_line({from, size * count}) ? size * count : 0;
}

std::size_t CurlTransfer::on_body(char* from, std::size_t size, std::size_t count,
                                  void* self) noexcept {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  return transfer.sink_->take_body({from, size * count}) ? size * count : 0;
}

curl_socket_t CurlTransfer::on_open_socket(void* self, curlsocktype /*purpose*/,
                                           curl_sockaddr* address) noexcept {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  if (transfer.begun_) {
    // It would be for the second sending, which on_request stops; a new connection is not needed.
    transfer.resend_prevented_ = true;
    return CURL_SOCKET_BAD;
  }
  // The very address that is connected to: no name is looked up again behind it.
  if (transfer.public_peers_ && !is_public(address->addr)) {
    transfer.refused_peer_ = text_of(address->addr);
    return CURL_SOCKET_BAD;
  }
  // As libcurl would, but closed in child processes, and with the reason of a failure.
  const int type = address->socktype | SOCK_CLOEXEC;
  const int descriptor = socket(address->family, type, address->protocol);
  if (descriptor < 0) transfer.socket_error_ = errno;
  transfer.has_socket_ = transfer.has_socket_ || descriptor >= 0;
  return descriptor < 0 ? CURL_SOCKET_BAD : descriptor;
}

}  // namespace ratebatch::net
