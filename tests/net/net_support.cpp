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

std::unique_ptr<CurlTransport> open_transport(const CurlTransportOptions& options) {
  auto opened = CurlTransport::open(options);
  if (!opened) FAIL(opened.error().message);
  return std::move(*opened);
}

std::vector<FinishedTransfer> await_finished(CurlTransport& transport, std::size_t count) {
  const auto give_up = std::chrono::steady_clock::now() + std::chrono::seconds{60};
  std::vector<FinishedTransfer> all;
  while (true) {
    for (FinishedTransfer& one : transport.finished()) all.push_back(std::move(one));
    if (all.size() >= count) return all;
    RB_ASSERT(std::chrono::steady_clock::now() < give_up);
    transport.wait(std::chrono::seconds{1});
  }
}

FinishedTransfer run_transfer(CurlTransport& transport, HttpRequest request) {
  transport.send(TransferId{1}, std::move(request));
  std::vector<FinishedTransfer> ended = await_finished(transport, 1);
  REQUIRE(ended.size() == 1);
  CHECK(ended[0].id == TransferId{1});
  return std::move(ended[0]);
}

HttpReply reply_to(CurlTransport& transport, HttpRequest request) {
  FinishedTransfer ended = run_transfer(transport, std::move(request));
  if (const auto* failure = std::get_if<TransferFailure>(&ended.result)) FAIL(failure->message);
  return std::get<HttpReply>(std::move(ended.result));
}

TransferFailure failure_of(CurlTransport& transport, HttpRequest request) {
  FinishedTransfer ended = run_transfer(transport, std::move(request));
  REQUIRE(std::holds_alternative<TransferFailure>(ended.result));
  return std::get<TransferFailure>(std::move(ended.result));
}

}  // namespace ratebatch
