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

bool is_text_type(std::string_view type) {
  return type == "application/json" || type.ends_with("+json") || type.starts_with("text/");
}

}  // namespace

ReplySink::ReplySink(std::int64_t body_bytes_max, const ReplyFiles& files)
    : wanted_(files), body_bytes_max_(static_cast<std::size_t>(body_bytes_max)), filter_(files) {
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
    if (!in_headers_) return true;
    reply_ = HttpReply{.status = status};
    reply_.headers.reserve(usual_headers);
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
  Result<void> taken = place(bytes);
  return taken || refuse(TransferFault::local, std::move(taken.error().message));
}

Result<HttpReply> ReplySink::finish() {
  if (way_ == Way::to_filter) {
    filter_.finish(reply_);
    return std::move(reply_);
  }
  if (file_ && file_->complete()) {
    reply_.files.push_back(file_->release());
  } else if (file_) {
    if (Result<void> back = take_back(); !back) return pass(back);
  }
  reply_.body = std::move(text_);
  return std::move(reply_);
}

void ReplySink::expect_body(std::string_view length) {
  const auto bytes = whole_number<std::size_t>(length);
  const bool has_files = wanted_.binary_body || !wanted_.members.empty();
  if (!bytes || (has_files && !wanted_.folder.empty())) return;
  text_.reserve(std::min({*bytes, body_bytes_max_, promised_bytes_max}));
}

bool ReplySink::refuse(TransferFault fault, std::string message) {
  refusal_ = Refusal{.fault = fault, .message = std::move(message)};
  return false;
}

Result<void> ReplySink::place(std::string_view bytes) {
  std::string held;
  if (way_ == Way::undecided) {
    way_ = way_of(bytes);
    if (way_ != Way::undecided && !text_.empty()) {
      held = std::exchange(text_, {}).append(bytes);
      bytes = held;
    }
  }
  switch (way_) {
    case Way::undecided:
    case Way::to_text:
      text_ += bytes;
      return {};
    case Way::to_filter:
      return filter_.take(bytes);
    case Way::to_file:
      break;
  }
  return place_in_file(bytes);
}

ReplySink::Way ReplySink::way_of(std::string_view bytes) const {
  const bool is_success = reply_.status >= 200 && reply_.status < 300;
  if (!is_success || wanted_.folder.empty()) return Way::to_text;
  const Way if_text = wanted_.members.empty() ? Way::to_text : Way::to_filter;
  if (!wanted_.binary_body) return if_text;
  // Of "Application/JSON; charset=utf-8" the type alone.
  const std::string type = lower_case(trimmed(parted(reply_.header("content-type"), ';').before));
  if (!type.empty()) return is_text_type(type) ? if_text : Way::to_file;
  const std::size_t first = bytes.find_first_not_of(blanks);
  if (first == std::string_view::npos) return Way::undecided;
  return bytes[first] == '{' || bytes[first] == '[' ? if_text : Way::to_file;
}

Result<void> ReplySink::place_in_file(std::string_view bytes) {
  if (!file_) {
    Result<BodyFile> created = BodyFile::create(wanted_.folder + "/" + wanted_.stem + "-0");
    if (!created) {
      way_ = Way::to_text;
      text_ += bytes;
      return {};
    }
    file_.emplace(std::move(*created));
  }
  if (file_->write(bytes)) return {};
  if (Result<void> back = take_back(); !back) return back;
  text_ += bytes;
  return {};
}

// What is in the file becomes text.
Result<void> ReplySink::take_back() {
  RB_TRY(read, file_->read([this](std::string_view piece) { text_ += piece; }));
  file_.reset();
  way_ = Way::to_text;
  return {};
}

}  // namespace ratebatch::net
