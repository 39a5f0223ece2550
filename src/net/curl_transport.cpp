#include "ratebatch/net/curl_transport.hpp"

#include <algorithm>
#include <chrono>
#include <map>
#include <utility>

#include "net/curl_handles.hpp"
#include "net/curl_transfer.hpp"
#include "ratebatch/base/assert.hpp"

namespace ratebatch {

class CurlTransport::Impl {
 public:
  explicit Impl(const CurlTransportOptions& options)
      : options_(options), multi_(curl_multi_init()) {
    RB_ASSERT(options.connections_max >= 1);
    RB_ASSERT(multi_ != nullptr);
    check(curl_multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS,
                            static_cast<long>(options.connections_max)));
    // One request at a time per connection, also over HTTP/2: a connection that breaks costs one
    // answer, not all of them. Sharing one, libcurl 7.88 also loses what a server that retires its
    // connection refused (nginx: every 1,000 requests), and answers that come before a body is read
    // (28 % of those to 300 KB bodies, on loopback).
    check(
        curl_multi_setopt(multi_.get(), CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING)));
  }
  Impl(const Impl&) = delete;
  Impl& operator=(const Impl&) = delete;

  ~Impl() {
    for (auto& [id, transfer] : in_flight_) remove(*transfer);
  }

  void send(TransferId id, HttpRequest request) {
    RB_ASSERT(!in_flight_.contains(id));
    auto transfer = std::make_unique<CurlTransfer>(id, std::move(request), take_handle());
    std::optional<TransferFailure> failure = transfer->prepare();
    if (!failure && curl_multi_add_handle(multi_.get(), transfer->handle()) != CURLM_OK) {
      failure = TransferFailure{.fault = TransferFault::local, .message = "libcurl takes no more"};
    }
    if (failure) {
      ended_.push_back({.id = id, .result = std::move(*failure), .took = {}});
      put_back(*transfer);
      return;
    }
    in_flight_.emplace(id, std::move(transfer));
  }

  void cancel(TransferId id) {
    const auto found = in_flight_.find(id);
    if (found == in_flight_.end()) return;
    remove(*found->second);
    put_back(*found->second);
    in_flight_.erase(found);
  }

  std::vector<FinishedTransfer> finished() {
    int running = 0;
    check(curl_multi_perform(multi_.get(), &running));
    int queued = 0;
    while (const CURLMsg* message = curl_multi_info_read(multi_.get(), &queued)) {
      if (message->msg == CURLMSG_DONE) end(message->easy_handle, message->data.result);
    }
    return std::exchange(ended_, {});
  }

  void wait(Duration longest) {
    if (longest <= Duration::zero() || !ended_.empty()) return;
    // Far below what an int of milliseconds holds; callers come back sooner anyway.
    constexpr Duration at_most = std::chrono::hours{24};
    const auto longest_ms =
        std::chrono::ceil<std::chrono::milliseconds>(std::min(longest, at_most));
    curl_waitfd wake{.fd = options_.wake_descriptor, .events = CURL_WAIT_POLLIN, .revents = 0};
    const bool has_wake = options_.wake_descriptor >= 0;
    check(curl_multi_poll(multi_.get(), has_wake ? &wake : nullptr, has_wake ? 1 : 0,
                          static_cast<int>(longest_ms.count()), nullptr));
  }

 private:
  // The multi handle as a whole fails only where we misuse it or the kernel has no memory left.
  static void check(CURLMcode code) { RB_ASSERT(code == CURLM_OK); }

  void remove(const CurlTransfer& transfer) {
    check(curl_multi_remove_handle(multi_.get(), transfer.handle()));
  }

  void end(CURL* easy, CURLcode code) {
    void* owner = nullptr;
    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
    CurlTransfer& transfer = *static_cast<CurlTransfer*>(owner);
    ended_.push_back(transfer.finish(code));
    cancel(transfer.id());
  }

  EasyHandle take_handle() {
    if (spare_.empty()) return EasyHandle(curl_easy_init());
    EasyHandle handle = std::move(spare_.back());
    spare_.pop_back();
    return handle;
  }

  void put_back(CurlTransfer& transfer) {
    if (transfer.handle() == nullptr) return;
    EasyHandle handle = transfer.release_handle();
    if (spare_.size() < static_cast<std::size_t>(options_.connections_max)) {
      spare_.push_back(std::move(handle));
    }
  }

  // In this order: what stands below uses what stands above, also while it is destroyed.
  CurlLibrary library_;
  CurlTransportOptions options_;
  MultiHandle multi_;
  std::vector<EasyHandle> spare_;
  std::map<TransferId, std::unique_ptr<CurlTransfer>> in_flight_;
  std::vector<FinishedTransfer> ended_;  // Not yet handed out.
};

CurlTransport::CurlTransport(const CurlTransportOptions& options)
    : impl_(std::make_unique<Impl>(options)) {}

CurlTransport::~CurlTransport() = default;

void CurlTransport::send(TransferId id, HttpRequest request) {
  impl_->send(id, std::move(request));
}

void CurlTransport::cancel(TransferId id) { impl_->cancel(id); }

std::vector<FinishedTransfer> CurlTransport::finished() { return impl_->finished(); }

void CurlTransport::wait(Duration longest) { impl_->wait(longest); }

}  // namespace ratebatch
