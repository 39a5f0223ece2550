#include "net/reply_sink.hpp"

#include <charconv>
#include <utility>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {
namespace {

std::string_view trimmed(std::string_view text) {
  constexpr std::string_view blanks = " \t\r\n";
  const std::size_t first = text.find_first_not_of(blanks);
  if (first == std::string_view::npos) return {};
  return text.substr(first, text.find_last_not_of(blanks) - first + 1);
}

std::string lower_ascii(std::string_view text) {
  std::string lower(text);
  for (char& c : lower) {
    if (c >= 'A' && c <= 'Z') c = static_cast<char>(c - 'A' + 'a');
  }
  return lower;
}

// The status of "HTTP/1.1 200 OK"; 0 where the line is no status line.
std::int32_t status_in(std::string_view line) {
  if (!line.starts_with("HTTP/")) return 0;
  const std::size_t blank = line.find(' ');
  if (blank == std::string_view::npos) return 0;
  const std::string_view rest = trimmed(line.substr(blank));
  std::int32_t status = 0;
  const auto parsed = std::from_chars(rest.data(), rest.data() + rest.size(), status);
  return parsed.ec == std::errc{} ? status : 0;
}

}  // namespace

ReplySink::ReplySink(std::int64_t body_bytes_max, std::optional<BodyFile> file)
    : body_bytes_max_(static_cast<std::size_t>(body_bytes_max)), file_(std::move(file)) {
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
    if (in_headers_) reply_ = HttpReply{.status = status};
    return true;
  }
  const std::string_view text = trimmed(line);
  if (text.empty()) in_headers_ = false;  // What follows are a body and its trailers.
  const std::size_t colon = text.find(':');
  if (!in_headers_ || colon == std::string_view::npos) return true;
  reply_.headers.push_back(Header{.name = lower_ascii(text.substr(0, colon)),
                                  .value = std::string(trimmed(text.substr(colon + 1)))});
  return true;
}

bool ReplySink::take_body(std::string_view bytes) {
  if (bytes.size() > body_bytes_max_ - body_bytes_) {
    return refuse(TransferFault::too_large,
                  "the reply's body is over " + std::to_string(body_bytes_max_) + " bytes");
  }
  body_bytes_ += bytes.size();
  BodyFile* file = target();
  if (file == nullptr) {
    reply_.body += bytes;
    return true;
  }
  Result<void> written = file->write(bytes);
  return written || refuse(TransferFault::local, std::move(written.error().message));
}

Result<HttpReply> ReplySink::finish() {
  if (BodyFile* file = target(); file != nullptr) {
    Result<void> kept = file->keep();
    if (!kept) return pass(kept);
  }
  return std::move(reply_);
}

bool ReplySink::refuse(TransferFault fault, std::string message) {
  refusal_ = Refusal{.fault = fault, .message = std::move(message)};
  return false;
}

BodyFile* ReplySink::target() {
  const bool is_success = reply_.status >= 200 && reply_.status < 300;
  return file_ && is_success ? &*file_ : nullptr;
}

}  // namespace ratebatch
