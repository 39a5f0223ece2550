#include "net/net_support.hpp"

#include <doctest/doctest.h>

#include <chrono>
#include <utility>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {

HttpRequest post_to(const std::string& url) {
  HttpRequest request;
  request.url = url;
  request.body = R"({"ask":1})";
  request.connect_timeout = std::chrono::seconds{10};
  request.total_timeout = std::chrono::seconds{30};
  request.stall_timeout = std::chrono::seconds{30};
  return request;
}

std::unique_ptr<net::Transport> open_transport(const net::CurlTransportOptions& options) {
  auto opened = net::open_curl_transport(options);
  if (!opened) FAIL(opened.error().message);
  return std::move(*opened);
}

std::vector<net::FinishedTransfer> await_finished(net::Transport& transport, std::size_t count) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  std::vector<net::FinishedTransfer> all;
  while (true) {
    for (net::FinishedTransfer& one : transport.finished()) all.push_back(std::move(one));
    if (all.size() >= count) return all;
    RB_ASSERT(std::chrono::steady_clock::now() < give_up);
    transport.wait(std::chrono::seconds{1});
  }
}

net::FinishedTransfer run_transfer(net::Transport& transport, HttpRequest request) {
  transport.send(net::TransferId{1}, std::move(request));
  std::vector<net::FinishedTransfer> ended = await_finished(transport, 1);
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].id == net::TransferId{1});
  return std::move(ended[0]);
}

HttpReply reply_to(net::Transport& transport, HttpRequest request) {
  net::FinishedTransfer ended = run_transfer(transport, std::move(request));
  if (const auto* failure = std::get_if<TransferFailure>(&ended.result)) FAIL(failure->message);
  return std::get<HttpReply>(std::move(ended.result));
}

TransferFailure failure_of(net::Transport& transport, HttpRequest request) {
  net::FinishedTransfer ended = run_transfer(transport, std::move(request));
  REQUIRE(std::holds_alternative<TransferFailure>(ended.result));
  return std::get<TransferFailure>(std::move(ended.result));
}

}  // namespace ratebatch
