#include "net/curl_transfer.hpp"

#include <sys/socket.h>

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstring>
#include <utility>

#include "net/curl_faults.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch {
namespace {

// Idle connections older than this are not used again: load balancers commonly close them after 30
// to 60 s, and a request into a closing connection is lost.
constexpr long idle_connection_seconds_max = 20;

long rounded_up(Duration d, Duration unit) {
  const auto count = (d.count() + unit.count() - 1) / unit.count();
  return static_cast<long>(std::max<Duration::rep>(count, 1));  // To libcurl 0 means for ever.
}

std::string header_line(const Header& header) {
  // A colon without a value would mean to leave the header out.
  return header.value.empty() ? header.name + ";" : header.name + ": " + header.value;
}

}  // namespace

CurlTransfer::CurlTransfer(TransferId id, HttpRequest request, EasyHandle easy)
    : id_(id), request_(std::move(request)), easy_(std::move(easy)) {}

std::optional<TransferFailure> CurlTransfer::prepare() {
  if (!easy_) return failure(TransferFault::local, "libcurl is out of memory");
  const std::optional<Origin> origin = parse_origin(request_.url);
  if (!origin) {
    // The URL is not shown: it may hold a password.
    return failure(TransferFault::not_allowed,
                   "the URL must be absolute, http or https, without user name and control bytes");
  }
  host_ = name_of(*origin);
  if (const std::optional<std::string> why = why_forbidden(request_, *origin)) {
    return failure(TransferFault::not_allowed, *why);
  }
  std::optional<BodyFile> file;
  if (!request_.body_file.empty()) {
    Result<BodyFile> created = BodyFile::create(request_.body_file);
    if (!created) return failure(TransferFault::local, created.error().message);
    file.emplace(std::move(*created));
  }
  sink_ = std::make_unique<ReplySink>(request_.body_bytes_max, std::move(file));
  set_origin_rules(*origin);
  set_timeouts();
  set_body();
  set_callbacks();
  if (!set_headers() && setup_ == CURLE_OK) setup_ = CURLE_OUT_OF_MEMORY;
  if (setup_ != CURLE_OK) return failure_of(setup_);
  return std::nullopt;
}

template <typename T>
void CurlTransfer::set(CURLoption option, T value) {
  if (setup_ == CURLE_OK) setup_ = curl_easy_setopt(easy_.get(), option, value);
}

void CurlTransfer::set_origin_rules(const Origin& origin) {
  const bool is_tls = origin.scheme == "https";
  set(CURLOPT_URL, request_.url.c_str());
  set(CURLOPT_PROTOCOLS_STR, origin.scheme.c_str());
  set(CURLOPT_FOLLOWLOCATION, 0L);
  set(CURLOPT_NETRC, static_cast<long>(CURL_NETRC_IGNORED));
  set(CURLOPT_USERAGENT, "ratebatch");
  // What libcurl finds in the environment holds, but nothing on this machine goes through it.
  if (is_loopback(origin)) set(CURLOPT_PROXY, "");
  set(CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);  // A proxy's own reply is no status of the server.

  set(CURLOPT_SSL_VERIFYPEER, 1L);
  set(CURLOPT_SSL_VERIFYHOST, 2L);
  set(CURLOPT_SSLVERSION, static_cast<long>(CURL_SSLVERSION_TLSv1_2));
  if (!request_.ca_file.empty()) {
    set(CURLOPT_CAINFO, request_.ca_file.c_str());
    set(CURLOPT_CAPATH, static_cast<const char*>(nullptr));  // One's own CA, not also the system's.
  }

  // HTTP/2 without TLS is not for Debian's libcurl 7.88: it fails where a connection is used again.
  set(CURLOPT_HTTP_VERSION,
      static_cast<long>(is_tls ? CURL_HTTP_VERSION_2TLS : CURL_HTTP_VERSION_1_1));
}

void CurlTransfer::set_timeouts() {
  set(CURLOPT_NOSIGNAL, 1L);
  // A timeout during name resolution must not wait for the resolver's thread: all transfers share
  // ours.
  set(CURLOPT_QUICK_EXIT, 1L);
  set(CURLOPT_TCP_KEEPALIVE, 1L);  // Answers take minutes; routers forget silent connections.
  set(CURLOPT_MAXAGE_CONN, idle_connection_seconds_max);
  set(CURLOPT_CONNECTTIMEOUT_MS,
      rounded_up(request_.connect_timeout, std::chrono::milliseconds{1}));
  set(CURLOPT_TIMEOUT_MS, rounded_up(request_.total_timeout, std::chrono::milliseconds{1}));
  set(CURLOPT_LOW_SPEED_LIMIT, 1L);
  set(CURLOPT_LOW_SPEED_TIME, rounded_up(request_.stall_timeout, std::chrono::seconds{1}));
}

void CurlTransfer::set_body() {
  if (request_.method == "GET") {
    set(CURLOPT_HTTPGET, 1L);
  } else {
    // Read through a function without a seek function: when a reused connection dies before a reply
    // byte, libcurl wants to send the request again, cannot go back in the body, and fails with
    // error 65 instead. The server may have done the work the first time.
    set(CURLOPT_POST, 1L);
    set(CURLOPT_READFUNCTION, &CurlTransfer::on_read);
    set(CURLOPT_READDATA, static_cast<void*>(this));
    set(CURLOPT_POSTFIELDSIZE_LARGE, static_cast<curl_off_t>(request_.body.size()));
  }
  // Without a body there is nothing to go back in; but only a reused connection is tried again.
  if (request_.method == "GET" || request_.body.empty()) set(CURLOPT_FRESH_CONNECT, 1L);
  set(CURLOPT_ACCEPT_ENCODING, "gzip, deflate");
}

bool CurlTransfer::set_headers() {
  bool added = true;
  for (const Header& header : request_.headers) {
    added = added && header_lines_.add(header_line(header));
  }
  // libcurl would hold large bodies back for a second to ask whether they are welcome.
  added = added && header_lines_.add("Expect:");
  if (request_.key_header) {
    const KeyHeader& key = *request_.key_header;
    std::string line;
    line.reserve(key.name.size() + 2 + key.prefix.size() + key.key.reveal().size());
    line.append(key.name).append(": ").append(key.prefix).append(key.key.reveal());
    added = added && header_lines_.add(line);
    wipe(line);
  }
  set(CURLOPT_HTTPHEADER, header_lines_.get());
  return added;
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
}

FinishedTransfer CurlTransfer::finish(CURLcode code) {
  FinishedTransfer finished{.id = id_, .result = {}, .took = {}};
  curl_off_t took_us = 0;
  if (curl_easy_getinfo(easy_.get(), CURLINFO_TOTAL_TIME_T, &took_us) == CURLE_OK) {
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
  } else {
    finished.result = failure(TransferFault::local, reply.error().message);
  }
  return finished;
}

EasyHandle CurlTransfer::release_handle() {
  curl_easy_reset(easy_.get());
  return std::move(easy_);
}

bool CurlTransfer::request_sent() const {
  if (!easy_) return false;
  // The size of the request counts what was said to a proxy too; the other time is only set once
  // the way to the server itself was open and the request was handed over.
  long size = 0;
  curl_off_t handed_over_us = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_REQUEST_SIZE, &size);
  curl_easy_getinfo(easy_.get(), CURLINFO_PRETRANSFER_TIME_T, &handed_over_us);
  return body_asked_ || (size > 0 && handed_over_us > 0);
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
  TransferProgress progress{.request_sent = request_sent()};
  curl_off_t ready_us = 0;
  curl_off_t total_us = 0;
  curl_easy_getinfo(easy_.get(), CURLINFO_PRETRANSFER_TIME_T, &ready_us);
  curl_easy_getinfo(easy_.get(), CURLINFO_TOTAL_TIME_T, &total_us);
  curl_easy_getinfo(easy_.get(), CURLINFO_OS_ERRNO, &progress.os_error);
  if (socket_error_ != 0) progress.os_error = socket_error_;
  progress.connected = ready_us > 0;
  // libcurl's timers work in milliseconds.
  progress.total_over =
      std::chrono::microseconds{total_us} + std::chrono::milliseconds{1} >= request_.total_timeout;
  const char* text = error_text_[0] != '\0' ? error_text_.data() : curl_easy_strerror(code);
  return failure(fault_of(code, progress), escaped(text));
}

std::size_t CurlTransfer::on_read(char* to, std::size_t size, std::size_t count,
                                  void* self) noexcept {
  auto& transfer = *static_cast<CurlTransfer*>(self);
  transfer.body_asked_ = true;
  const std::size_t left = transfer.request_.body.size() - transfer.body_read_;
  // libcurl knows the length and never asks for more, unless it begins the request anew.
  if (left == 0) return CURL_READFUNC_ABORT;
  const std::size_t taken = std::min(left, size * count);
  std::memcpy(to, transfer.request_.body.data() + transfer.body_read_, taken);
  transfer.body_read_ += taken;
  return taken;
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
  // As libcurl would, but closed in child processes, and with the reason of a failure.
  const int type = address->socktype | SOCK_CLOEXEC;
  const int descriptor = socket(address->family, type, address->protocol);
  if (descriptor < 0) static_cast<CurlTransfer*>(self)->socket_error_ = errno;
  return descriptor < 0 ? CURL_SOCKET_BAD : descriptor;
}

}  // namespace ratebatch
