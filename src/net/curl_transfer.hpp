// One request on one libcurl handle: its options, its callbacks, its result. The multi handle that
// drives it belongs to CurlTransport.
#pragma once

#include <array>
#include <cstddef>
#include <memory>
#include <optional>
#include <string>

#include "net/curl_handles.hpp"
#include "net/reply_sink.hpp"
#include "net/request_rules.hpp"
#include "ratebatch/net/transport.hpp"

namespace ratebatch {

class CurlTransfer {
 public:
  // Does nothing yet. The transfer must not move: libcurl keeps its address.
  CurlTransfer(TransferId id, HttpRequest request, EasyHandle easy);
  CurlTransfer(const CurlTransfer&) = delete;
  CurlTransfer& operator=(const CurlTransfer&) = delete;
  ~CurlTransfer() = default;

  // Checks the request and makes the handle ready for the multi handle. The failure, where nothing
  // may or can be sent: the transfer is then over.
  std::optional<TransferFailure> prepare();

  [[nodiscard]] TransferId id() const { return id_; }
  [[nodiscard]] CURL* handle() const { return easy_.get(); }

  // What the transfer came to, with libcurl's code for it. Call once, before release_handle.
  FinishedTransfer finish(CURLcode code);

  // Gives the handle back, clean and out of the multi handle, for another transfer.
  EasyHandle release_handle();

 private:
  template <typename T>
  void set(CURLoption option, T value);
  void set_origin_rules(const Origin& origin);
  void set_timeouts();
  void set_body();
  bool set_headers();
  void set_callbacks();

  [[nodiscard]] bool request_sent() const;
  [[nodiscard]] TransferFailure failure(TransferFault fault, std::string_view cause) const;
  [[nodiscard]] TransferFailure failure_of(CURLcode code) const;

  static std::size_t on_read(char* to, std::size_t size, std::size_t count, void* self) noexcept;
  static std::size_t on_header(char* from, std::size_t size, std::size_t count,
                               void* self) noexcept;
  static std::size_t on_body(char* from, std::size_t size, std::size_t count, void* self) noexcept;
  static curl_socket_t on_open_socket(void* self, curlsocktype purpose,
                                      curl_sockaddr* address) noexcept;

  TransferId id_;
  HttpRequest request_;
  HeaderLines header_lines_;
  std::string host_;                 // For messages.
  std::unique_ptr<ReplySink> sink_;  // From prepare on.
  std::size_t body_read_ = 0;        // Bytes of the body that libcurl has taken.
  bool body_asked_ = false;          // libcurl asked for the body: the headers are on their way.
  int socket_error_ = 0;             // errno of a socket that the kernel refused.
  CURLcode setup_ = CURLE_OK;        // The first option that was refused.
  std::array<char, CURL_ERROR_SIZE> error_text_{};
  EasyHandle easy_;  // Goes first: it points to much of the above.
};

}  // namespace ratebatch
