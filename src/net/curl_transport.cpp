#include "ratebatch/net/curl_transport.hpp"

#include <algorithm>
#include <chrono>
#include <cstdint>
#include <optional>
#include <unordered_map>
#include <utility>
#include <vector>

#include "net/curl_handles.hpp"
#include "net/curl_transfer.hpp"
#include "net/socket_watch.hpp"
#include "ratebatch/base/assert.hpp"

namespace ratebatch::net {
namespace {

class CurlTransport final : public Transport {
 public:
  CurlTransport(std::unique_ptr<CurlLibrary> library, SocketWatch sockets,
                const CurlTransportOptions& options)
      : library_(std::move(library)),
        options_(options),
        origins_(curl_),
        exception_(origins_.read(options.public_only_exception)),
        sockets_(std::move(sockets)),
        multi_(curl_.multi_init(), curl_.multi_cleanup) {
    RB_ASSERT(options.connections_max >= 1);
    RB_ASSERT(exception_ || options.public_only_exception.empty());
    RB_ASSERT(multi_ != nullptr);
    check(curl_.multi_setopt(multi_.get(), CURLMOPT_SOCKETFUNCTION, &CurlTransport::on_socket));
    check(curl_.multi_setopt(multi_.get(), CURLMOPT_SOCKETDATA, static_cast<void*>(this)));
    if (options.wake_descriptor >= 0) {
      RB_ASSERT(sockets_.watch(options.wake_descriptor, EPOLLIN));
    }
    check(curl_.multi_setopt(multi_.get(), CURLMOPT_MAXCONNECTS,
                             static_cast<long>(options.connections_max)));
    // One request at a time per connection, also over HTTP/2: a connection that breaks costs one
    // answer, not all of them. Sharing one, libcurl 7.88 also loses what a server that retires its
    // connection refused (nginx: every 1,000 requests), and answers that come before a body is read
    // (28 % of those to 300 KB bodies, on loopback).
    check(
        curl_.multi_setopt(multi_.get(), CURLMOPT_PIPELINING, static_cast<long>(CURLPIPE_NOTHING)));
  }

  ~CurlTransport() override {
    for (auto& [id, transfer] : in_flight_) remove(*transfer);
  }

  void send(TransferId id, HttpRequest request) override {
    RB_ASSERT(!in_flight_.contains(id));
    std::unique_ptr<CurlTransfer> transfer = take_spare();
    std::optional<TransferFailure> failure = transfer->start(id, std::move(request));
    if (!failure && curl_.multi_add_handle(multi_.get(), transfer->handle()) != CURLM_OK) {
      failure = TransferFailure{.fault = TransferFault::local, .message = "libcurl takes no more"};
    }
    if (failure) {
      ended_.push_back({.id = id, .result = std::move(*failure), .took = {}});
      put_back(std::move(transfer));
      return;
    }
    in_flight_.emplace(id, std::move(transfer));
  }

  void cancel(TransferId id) override {
    const auto found = in_flight_.find(id);
    if (found == in_flight_.end()) return;
    remove(*found->second);
    put_back(std::move(found->second));
    in_flight_.erase(found);
  }

  std::vector<FinishedTransfer> finished() override {
    // Not curl_multi_perform: it asks the kernel about each transfer in flight, every time.
    act(CURL_SOCKET_TIMEOUT, 0);  // What is new, and whose time has come.
    if (!std::exchange(waited_, false)) sockets_.wait(Duration::zero());
    for (const epoll_event& event : sockets_.events()) {
      if (event.data.fd != options_.wake_descriptor) act(event.data.fd, event.events);
    }
    int queued = 0;
    while (const CURLMsg* message = curl_.multi_info_read(multi_.get(), &queued)) {
      if (message->msg == CURLMSG_DONE) end(message->easy_handle, message->data.result);
    }
    return std::exchange(ended_, {});
  }

  void wait(Duration longest) override {
    if (longest <= Duration::zero() || !ended_.empty()) return;
    // Far below what an int of milliseconds holds; callers come back sooner anyway.
    constexpr Duration at_most = std::chrono::hours{24};
    Duration wait = std::min(longest, at_most);
    long curl_wait_ms = -1;  // Until libcurl's next timer; -1: it has none.
    check(curl_.multi_timeout(multi_.get(), &curl_wait_ms));
    if (curl_wait_ms == 0) return;  // finished() looks at the sockets then.
    if (curl_wait_ms > 0) wait = std::min<Duration>(wait, std::chrono::milliseconds{curl_wait_ms});
    sockets_.wait(wait);
    waited_ = true;
  }

 private:
  // The multi handle as a whole fails only where we misuse it or the kernel has no memory left.
  static void check(CURLMcode code) { RB_ASSERT(code == CURLM_OK); }

  // Lets libcurl do what these events of a socket allow.
  void act(curl_socket_t socket, std::uint32_t events) {
    int may = 0;
    if ((events & EPOLLIN) != 0) may |= CURL_CSELECT_IN;
    if ((events & EPOLLOUT) != 0) may |= CURL_CSELECT_OUT;
    if ((events & (EPOLLERR | EPOLLHUP)) != 0) may |= CURL_CSELECT_ERR;
    int running = 0;
    check(curl_.multi_socket_action(multi_.get(), socket, may, &running));
  }

  static int on_socket(CURL* /*easy*/, curl_socket_t socket, int what, void* self,
                       void* /*of_socket*/) noexcept {
    SocketWatch& sockets = static_cast<CurlTransport*>(self)->sockets_;
    if (what == CURL_POLL_REMOVE) {
      sockets.ignore(socket);
      return 0;
    }
    std::uint32_t events = 0;
    if ((what & CURL_POLL_IN) != 0) events |= EPOLLIN;
    if ((what & CURL_POLL_OUT) != 0) events |= EPOLLOUT;
    return sockets.watch(socket, events) ? 0 : -1;
  }

  void remove(const CurlTransfer& transfer) {
    check(curl_.multi_remove_handle(multi_.get(), transfer.handle()));
  }

  void end(CURL* easy, CURLcode code) {
    void* owner = nullptr;
    curl_.easy_getinfo(easy, CURLINFO_PRIVATE, &owner);
    CurlTransfer& transfer = *static_cast<CurlTransfer*>(owner);
    ended_.push_back(transfer.finish(code));
    cancel(transfer.id());
  }

  std::unique_ptr<CurlTransfer> take_spare() {
    if (spare_.empty()) return std::make_unique<CurlTransfer>(curl_, origins_, exception_);
    std::unique_ptr<CurlTransfer> transfer = std::move(spare_.back());
    spare_.pop_back();
    return transfer;
  }

  void put_back(std::unique_ptr<CurlTransfer> transfer) {
    transfer->forget();
    const bool has_room = spare_.size() < static_cast<std::size_t>(options_.connections_max);
    if (transfer->handle() != nullptr && has_room) spare_.push_back(std::move(transfer));
  }

  // In this order: what stands below uses what stands above, also while it is destroyed.
  std::unique_ptr<CurlLibrary> library_;
  const CurlFunctions& curl_ = library_->functions();
  CurlTransportOptions options_;
  OriginReader origins_;
  std::optional<Origin> exception_;  // See CurlTransportOptions.
  SocketWatch sockets_;
  bool waited_ = false;  // The events of the sockets are those of a wait, not yet acted on.
  MultiHandle multi_;
  std::vector<std::unique_ptr<CurlTransfer>> spare_;
  std::unordered_map<TransferId, std::unique_ptr<CurlTransfer>> in_flight_;
  std::vector<FinishedTransfer> ended_;  // Not yet handed out.
};

}  // namespace

Result<std::unique_ptr<Transport>> open_curl_transport(const CurlTransportOptions& options) {
  RB_TRY(library, CurlLibrary::open());
  RB_TRY(sockets, SocketWatch::open());
  return std::make_unique<CurlTransport>(std::move(*library), std::move(*sockets), options);
}

}  // namespace ratebatch::net
