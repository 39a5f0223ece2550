#include "net/reply_sink.hpp"

#include <algorithm>
#include <utility>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/assert.hpp"

namespace ratebatch::net {
namespace {

// Room made before a reply comes: providers send 10 to 25 headers.
constexpr std::size_t usual_headers = 16;

// Room made for a body on its header's word alone. Our own choice: above most answers; what is
// larger grows as it comes.
constexpr std::size_t promised_bytes_max = std::size_t{256} << 10U;

// The status of "HTTP/1.1 200 OK"; 0 where the line is no status line.
std::int32_t status_in(std::string_view line) {
  if (!line.starts_with("HTTP/")) return 0;
  const std::string_view rest = trimmed(parted(line, ' ').after.value_or(""));
  return whole_number<std::int32_t>(parted(rest, ' ').before).value_or(0);
}

}  // namespace

ReplySink::ReplySink(std::int64_t body_bytes_max, const ReplyFiles& files)
    : body_bytes_max_(static_cast<std::size_t>(body_bytes_max)), body_(files) {
  RB_ASSERT(body_bytes_max >= 0);
}

bool ReplySink::take_header_line(std::string_view line) {
  headers_bytes_ += line.size();
  if (headers_bytes_ > reply_headers_bytes_max) {
    return refuse(TransferFault::too_large, "the reply's headers are over " +
                                                std::to_string(reply_headers_bytes_max) + " bytes");
  }
  if (const std::int32_t status = status_in(line); status != 0) {
    in_headers_ = status >= 200;
    if (in_headers_) begin_reply(status);
    return true;
  }
  const std::string_view text = trimmed(line);
  if (text.empty()) in_headers_ = false;  // What follows are a body and its trailers.
  const std::size_t colon = text.find(':');
  if (!in_headers_ || colon == std::string_view::npos) return true;
  Header& header = reply_.headers.emplace_back();
  header.name = text.substr(0, colon);
  header.name = lower_case(header.name);
  header.value = trimmed(text.substr(colon + 1));
  if (header.name == "content-length") expect_body(header.value);
  return true;
}

bool ReplySink::take_body(std::string_view bytes) {
  if (bytes.size() > body_bytes_max_ - body_bytes_) {
    return refuse(TransferFault::too_large,
                  "the reply's body is over " + std::to_string(body_bytes_max_) + " bytes");
  }
  body_bytes_ += bytes.size();
  Result<void> taken = body_.take(reply_, bytes);
  return taken || refuse(TransferFault::local, std::move(taken.error().message));
}

Result<HttpReply> ReplySink::finish() {
  if (Result<void> finished = body_.finish(reply_); !finished) return pass(finished);
  return std::move(reply_);
}

void ReplySink::begin_reply(std::int32_t status) {
  reply_ = HttpReply{.status = status};
  reply_.headers.reserve(usual_headers);
}

void ReplySink::expect_body(std::string_view length) {
  if (const auto bytes = whole_number<std::size_t>(length)) {
    body_.expect(std::min({*bytes, body_bytes_max_, promised_bytes_max}));
  }
}

bool ReplySink::refuse(TransferFault fault, std::string message) {
  refusal_ = Refusal{.fault = fault, .message = std::move(message)};
  return false;
}

}  // namespace ratebatch::net
