#include "provider/asset_bytes.hpp"

#include <algorithm>
#include <charconv>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <utility>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/base64.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::provider {
namespace {

bool has_at(std::string_view head, std::size_t at, std::string_view mark) {
  return head.size() >= at && head.substr(at).starts_with(mark);
}

// What the container of RIFF, Ogg or ISO media holds.
std::string_view contained_extension(std::string_view head) {
  if (head.starts_with("RIFF") && has_at(head, 8, "WEBP")) return "webp";
  if (head.starts_with("RIFF") && has_at(head, 8, "WAVE")) return "wav";
  // RFC 7845: the first page has one segment, so that its content starts at byte 28.
  if (head.starts_with("OggS")) return has_at(head, 28, "Opus") ? "opus" : "ogg";
  if (has_at(head, 4, "ftypM4A")) return "m4a";
  if (has_at(head, 4, "ftyp")) return "mp4";
  return {};
}

// MPEG audio and AAC in ADTS begin with a frame header: eleven bits set, then version and layer
// (ISO 11172-3 2.4.1.3, ISO 13818-7 6.2). Values that are reserved mean that it is none.
std::string_view frame_extension(std::string_view head) {
  if (head.size() < 3 || static_cast<unsigned char>(head[0]) != 0xFF) return {};
  const auto second = static_cast<unsigned char>(head[1]);
  const auto third = static_cast<unsigned char>(head[2]);
  if ((second & 0xF6U) == 0xF0U) return "aac";
  const bool is_layer_3 = (second & 0xE6U) == 0xE2U && (second & 0x18U) != 0x08U;
  const bool has_rates = (third & 0xF0U) != 0xF0U && (third & 0x0CU) != 0x0CU;
  return is_layer_3 && has_rates ? "mp3" : "";
}

// Sound without any header is known by its type alone.
std::string extension_of_body(std::string_view head, std::string_view content_type) {
  std::string extension = file_extension(head);
  const std::string type = lower_case(content_type);
  const bool is_pcm = type.starts_with("audio/pcm") || type.starts_with("audio/l16");
  return extension == "bin" && is_pcm ? "pcm" : extension;
}

// Whether these first bytes of a body are text: its last character may be cut.
bool is_readable(std::string_view start) {
  const bool has_control = std::any_of(start.begin(), start.end(), [](char c) {
    const auto byte = static_cast<unsigned char>(c);
    return byte == 0x7F || (byte < 0x20 && c != '\t' && c != '\r' && c != '\n');
  });
  constexpr std::size_t utf8_bytes_max = 4;
  const std::size_t cut_max = std::min(utf8_bytes_max, start.size());
  bool is_utf8 = false;
  for (std::size_t cut = 0; cut < cut_max && !is_utf8; ++cut) {
    is_utf8 = is_valid_utf8(start.substr(0, start.size() - cut));
  }
  return is_utf8 && !has_control;
}

const ReplyFile* named_file(std::string_view text, const HttpReply& reply) {
  constexpr std::string_view prefix = "file:";
  if (!text.starts_with(prefix)) return nullptr;
  text.remove_prefix(prefix.size());
  std::size_t index = 0;
  const auto [end, error] = std::from_chars(text.data(), text.data() + text.size(), index);
  const bool is_index = error == std::errc() && end == text.data() + text.size();
  return is_index && index < reply.files.size() ? &reply.files[index] : nullptr;
}

Asset asset_of(const ReplyFile& file) {
  return {.bytes = {}, .path = file.path, .extension = file_extension(file.head)};
}

bool has_file(const Answer& answer, const ReplyFile& file) {
  return std::any_of(answer.assets.begin(), answer.assets.end(),
                     [&](const Asset& asset) { return asset.path == file.path; });
}

// RFC 2397: what stands behind the comma.
std::string_view without_data_prefix(std::string_view text) {
  constexpr std::size_t prefix_bytes_max = 128;  // Of ours: types are much shorter.
  if (!text.starts_with("data:")) return text;
  constexpr std::string_view mark = ";base64,";
  const std::size_t at = text.substr(0, prefix_bytes_max).find(mark);
  return at == std::string_view::npos ? text : text.substr(at + mark.size());
}

}  // namespace

std::string file_extension(std::string_view head) {
  if (head.starts_with("\x89PNG\r\n\x1A\n")) return "png";
  if (head.starts_with("\xFF\xD8\xFF")) return "jpg";
  if (head.starts_with("GIF87a") || head.starts_with("GIF89a")) return "gif";
  if (head.starts_with("ID3")) return "mp3";
  if (head.starts_with("fLaC")) return "flac";
  if (head.starts_with("\x1A\x45\xDF\xA3")) return "webm";  // EBML, RFC 8794.
  if (head.starts_with("%PDF-")) return "pdf";
  std::string_view extension = contained_extension(head);
  if (extension.empty()) extension = frame_extension(head);
  return std::string(extension.empty() ? "bin" : extension);
}

bool add_asset(std::string_view text, const HttpReply& reply, Answer& answer) {
  if (const ReplyFile* file = named_file(text, reply)) {
    if (file->bytes <= 0 || has_file(answer, *file)) return false;
    answer.assets.push_back(asset_of(*file));
    return true;
  }
  std::optional<std::string> bytes = decode_base64(without_data_prefix(text));
  if (!bytes || bytes->empty()) return false;
  std::string extension = file_extension(*bytes);
  answer.assets.push_back(
      {.bytes = std::move(*bytes), .path = {}, .extension = std::move(extension)});
  return true;
}

bool add_body_asset(const HttpReply& reply, Answer& answer) {
  const std::string_view type = reply.header("content-type");
  if (!reply.files.empty()) {
    const ReplyFile& file = reply.files.front();
    if (file.bytes <= 0) return false;
    answer.assets.push_back(
        {.bytes = {}, .path = file.path, .extension = extension_of_body(file.head, type)});
    return true;
  }
  if (reply.body.empty()) return false;
  answer.assets.push_back(
      {.bytes = reply.body, .path = {}, .extension = extension_of_body(reply.body, type)});
  return true;
}

bool is_text_as_file(const HttpReply& reply) {
  const std::string type = lower_case(reply.header("content-type"));
  // A picture may be a text (SVG), and sound may look like one (mu-law).
  if (type.starts_with("image/") || type.starts_with("audio/")) return false;
  constexpr std::size_t head_bytes = 32;  // As of ReplyFile.
  const std::string_view head =
      reply.files.empty() ? std::string_view(reply.body) : std::string_view(reply.files[0].head);
  const std::string_view start = trimmed(head.substr(0, head_bytes));
  const bool is_marked = start.starts_with('{') || start.starts_with('[') || start.starts_with('<');
  return is_marked && is_readable(start);
}

void add_reply_files(const HttpReply& reply, Answer& answer) {
  for (const ReplyFile& file : reply.files) answer.assets.push_back(asset_of(file));
}

bool add_link(std::string_view url, Answer& answer) {
  const bool is_on_this_machine =
      url.starts_with("http://127.0.0.1:") || url.starts_with("http://[::1]:");
  if ((!url.starts_with("https://") && !is_on_this_machine) || has_control_byte(url)) return false;
  answer.links.emplace_back(url);
  return true;
}

}  // namespace ratebatch::provider
