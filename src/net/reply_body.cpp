#include "net/reply_body.hpp"

#include <utility>

#include "ratebatch/base/ascii.hpp"

namespace ratebatch::net {
namespace {

// The type of "Application/JSON; charset=utf-8", in lower case.
std::string media_type(std::string_view content_type) {
  return lower_case(trimmed(parted(content_type, ';').before));
}

bool is_text(std::string_view type) {
  return type == "application/json" || type.ends_with("+json") || type.starts_with("text/");
}

}  // namespace

void ReplyBody::expect(std::size_t bytes) {
  const bool has_files = wanted_.binary_body || !wanted_.members.empty();
  if (wanted_.folder.empty() || !has_files) text_.reserve(bytes);
}

Result<void> ReplyBody::take(const HttpReply& reply, std::string_view bytes) {
  std::string held;
  if (way_ == Way::undecided) {
    way_ = way_of(reply, bytes);
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
  return take_into_file(bytes);
}

Result<void> ReplyBody::finish(HttpReply& reply) {
  if (way_ == Way::to_filter) {
    filter_.finish(reply);
    return {};
  }
  if (file_ && file_->complete()) {
    reply.files.push_back(file_->release());
  } else if (file_) {
    if (Result<void> back = take_back(); !back) return back;
  }
  reply.body = std::move(text_);
  return {};
}

ReplyBody::Way ReplyBody::way_of(const HttpReply& reply, std::string_view bytes) const {
  const bool is_success = reply.status >= 200 && reply.status < 300;
  if (!is_success || wanted_.folder.empty()) return Way::to_text;
  const Way if_text = wanted_.members.empty() ? Way::to_text : Way::to_filter;
  if (!wanted_.binary_body) return if_text;
  const std::string type = media_type(reply.header("content-type"));
  if (!type.empty()) return is_text(type) ? if_text : Way::to_file;
  const std::size_t first = bytes.find_first_not_of(blanks);
  if (first == std::string_view::npos) return Way::undecided;
  return bytes[first] == '{' || bytes[first] == '[' ? if_text : Way::to_file;
}

Result<void> ReplyBody::take_into_file(std::string_view bytes) {
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
Result<void> ReplyBody::take_back() {
  Result<void> read = file_->read([this](std::string_view piece) { text_ += piece; });
  if (!read) return read;
  file_.reset();
  way_ = Way::to_text;
  return {};
}

}  // namespace ratebatch::net
