// What the tests of the transport share: a request, and one transfer from start to end.
#pragma once

#include <cstddef>
#include <memory>
#include <string>
#include <vector>

#include "ratebatch/net/curl_transport.hpp"

namespace ratebatch {

// A POST of {"ask":1} with timeouts that fail a test rather than hang it.
HttpRequest post_to(const std::string& url);

// A transport that could be opened; otherwise the test ends here.
std::unique_ptr<net::Transport> open_transport(const net::CurlTransportOptions& options = {});

// Drives the transport until `count` transfers have ended. Aborts after 60 s.
std::vector<net::FinishedTransfer> await_finished(net::Transport& transport, std::size_t count);

// Sends one request and awaits its end.
net::FinishedTransfer run_transfer(net::Transport& transport, HttpRequest request);

// The same, where a reply or a failure is expected; the other fails the test.
HttpReply reply_to(net::Transport& transport, HttpRequest request);
TransferFailure failure_of(net::Transport& transport, HttpRequest request);

}  // namespace ratebatch
