// A libcurl handle and the request that is on it, one after another: options, callbacks, result.
// The multi handle that drives it belongs to the transport.
#pragma once

#include <array>
#include <cstddef>
#include <optional>
#include <string>

#include "net/curl_handles.hpp"
#include "net/reply_sink.hpp"
#include "net/request_rules.hpp"
#include "ratebatch/net/transport.hpp"

namespace ratebatch::net {

class CurlTransfer {
 public:
  // Without a request yet. `exception`: see CurlTransportOptions. The transfer must not move:
  // libcurl keeps its address. Precondition: all three outlive it.
  CurlTransfer(const CurlFunctions& curl, OriginReader& origins,
               const std::optional<Origin>& exception);
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;
  ~CurlTransfer() = default;

  // Checks the request and makes the handle ready for the multi handle. The failure, where nothing
  // may or can be sent: the request is then over. Precondition: it holds no other.
  std::optional<TransferFailure> start(TransferId id, HttpRequest request);

  [[nodiscard]] TransferId id() const { return id_; }
  [[nodiscard]] CURL* handle() const { return easy_.get(); }

  // What the request came to, with libcurl's code for it. Call once, before forget.
  FinishedTransfer finish(CURLcode code);

  // Drops the request and all of its key. Options that another request to the same endpoint needs
  // too stay, unless something went wrong. Precondition: out of the multi handle.
  void forget();

 private:
  // What the options that stay on the handle between requests depend on, and nothing else.
  struct Endpoint {
    Origin origin;
    std::string ca_file;
    Duration connect_timeout{};
    Duration total_timeout{};
    Duration stall_timeout{};
    bool public_only = false;  // And no exception to that.

    friend bool operator==(const Endpoint&, const Endpoint&) = default;
  };

  template <typename T>
  void set(CURLoption option, T value);
  void set_endpoint(Endpoint endpoint);
  void set_origin_rules(const Endpoint& endpoint);
  void set_timeouts(const Endpoint& endpoint);
  void set_callbacks();
  void set_request();

  [[nodiscard]] bool request_sent() const;
  [[nodiscard]] TransferFailure failure(TransferFault fault, std::string_view cause) const;
  [[nodiscard]] TransferFailure failure_of(CURLcode code) const;

  static int on_request(void* self, char* peer_ip, char* own_ip, int peer_port,
                        int own_port) noexcept;
  static std::size_t on_header(char* from, std::size_t size, std::size_t count,
                               void* self) noexcept;
  static std::size_t on_body(char* from, std::size_t size, std::size_t count, void* self) noexcept;
  static curl_socket_t on_open_socket(void* self, curlsocktype purpose,
                                      curl_sockaddr* address) noexcept;

  const CurlFunctions& curl_;
  OriginReader& origins_;
  const std::optional<Origin>& exception_;
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  HeaderLines header_lines_;
  CURLcode setup_ = CURLE_OK;         // The first option that was refused.
  std::optional<Endpoint> endpoint_;  // Whose options are set; nullopt: none are.
  bool public_peers_ = false;         // Among them: to connect to public addresses only.

  // Of the request on the handle.
  TransferId id_{};
  HttpRequest request_;
  std::string host_;  // For messages.
  std::optional<ReplySink> sink_;
  bool begun_ = false;             // The way to the server was open, and libcurl began to send.
  bool resend_prevented_ = false;  // It wanted to begin a second time.
  bool complete_ = false;          // A whole reply came.
  int socket_error_ = 0;           // errno of a socket that the kernel refused.
  bool has_socket_ = false;        // One was opened.
  std::string refused_peer_;       // The last address that is not public.

  EasyHandle easy_;  // Goes first: it points to much of the above.
};

}  // namespace ratebatch::net
