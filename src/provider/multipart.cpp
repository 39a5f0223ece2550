#include "provider/multipart.hpp"

#include <array>
#include <utility>

#include "provider/asset_bytes.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::provider {
namespace {

constexpr std::string_view line_end = "\r\n";
constexpr std::string_view unknown_media_type = "application/octet-stream";

// As browsers write names: only what would end the quoted text or its line.
std::string quoted(std::string_view name) {
  std::string text = "\"";
  for (const char c : name) {
    const bool is_kept = c != '"' && !has_control_byte({&c, 1});
    text += is_kept ? std::string(1, c) : '%' + hex_of(c, true);
  }
  return text + '"';
}

// Of extensions. By the registry of IANA; for m4a and wav, which are not in it, as the providers'
// pages say.
constexpr std::array<std::pair<std::string_view, std::string_view>, 19> media_types = {{
    {"mp3", "audio/mpeg"},  {"mpga", "audio/mpeg"}, {"wav", "audio/wav"},
    {"ogg", "audio/ogg"},   {"oga", "audio/ogg"},   {"opus", "audio/ogg"},
    {"flac", "audio/flac"}, {"aac", "audio/aac"},   {"m4a", "audio/mp4"},
    {"webm", "audio/webm"}, {"mp4", "video/mp4"},   {"pcm", "audio/pcm"},
    {"png", "image/png"},   {"jpg", "image/jpeg"},  {"jpeg", "image/jpeg"},
    {"webp", "image/webp"}, {"gif", "image/gif"},   {"pdf", "application/pdf"},
    {"txt", "text/plain"},
}};

}  // namespace

MultipartBody::MultipartBody(std::string_view seed)
    : boundary_("ratebatch-" + fnv1a_64_hex(seed)) {}

void MultipartBody::add_field(std::string_view name, std::string_view value) {
  open_part(value);
  body_.append("content-disposition: form-data; name=").append(quoted(name)).append(line_end);
  body_.append(line_end).append(value).append(line_end);
}

void MultipartBody::add_file(std::string_view name, std::string_view file_name,
                             std::string_view media_type, std::string_view bytes) {
  open_part(bytes);
  constexpr std::size_t around_bytes = 512;  // Headers and boundaries; more is no fault.
  body_.reserve(body_.size() + bytes.size() + name.size() + file_name.size() + around_bytes);
  body_.append("content-disposition: form-data; name=").append(quoted(name));
  body_.append("; filename=").append(quoted(file_name)).append(line_end);
  body_.append("content-type: ").append(media_type).append(line_end);
  body_.append(line_end).append(bytes).append(line_end);
}

std::string MultipartBody::content_type() const {
  return "multipart/form-data; boundary=" + boundary_;
}

std::string MultipartBody::finish() {
  write_boundary();
  body_.append("--").append(line_end);
  boundaries_at_.clear();
  return std::exchange(body_, {});
}

void MultipartBody::open_part(std::string_view content) {
  if (content.find(boundary_) != std::string_view::npos) replace_boundary(content);
  write_boundary();
  body_.append(line_end);
}

void MultipartBody::write_boundary() {
  body_.append("--");
  boundaries_at_.push_back(body_.size());
  body_.append(boundary_);
}

void MultipartBody::replace_boundary(std::string_view content) {
  std::string next = boundary_;
  while (content.find(next) != std::string_view::npos || body_.find(next) != std::string::npos) {
    next = "ratebatch-" + fnv1a_64_hex(next);
  }
  for (const std::size_t at : boundaries_at_) body_.replace(at, next.size(), next);
  boundary_ = std::move(next);
}

std::string_view media_type_of(std::string_view path) {
  const std::string_view name = file_name_of(path);
  const std::size_t dot = name.rfind('.');
  if (dot != std::string_view::npos) {
    const std::string extension = lower_case(name.substr(dot + 1));
    for (const auto& [known, type] : media_types) {
      if (known == extension) return type;
    }
  }
  return unknown_media_type;
}

std::string_view media_type_of_file(std::string_view path, std::string_view bytes) {
  const std::string_view by_content = media_type_of("." + file_extension(bytes));
  const std::string_view by_name = media_type_of(path);
  const bool is_certain = by_content.starts_with("image/") || by_content == "application/pdf";
  return is_certain || by_name == unknown_media_type ? by_content : by_name;
}

std::string_view file_name_of(std::string_view path) {
  return path.substr(path.rfind('/') + 1);  // npos + 1 is 0.
}

}  // namespace ratebatch::provider
