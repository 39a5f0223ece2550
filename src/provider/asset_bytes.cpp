#include "provider/asset_bytes.hpp"

#include <algorithm>
#include <array>
#include <cstddef>
#include <utility>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/base64.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::provider {
namespace {

// What a file of a kind begins with, and has a mark at a place.
struct FileMark {
  std::string_view extension;
  std::string_view start;
  std::size_t mark_at = 0;
  std::string_view mark;
};

// The first that fits counts.
constexpr std::array<FileMark, 14> file_marks = {{
    {"png", "\x89PNG\r\n\x1A\n"},
    {"jpg", "\xFF\xD8\xFF"},
    {"gif", "GIF87a"},
    {"gif", "GIF89a"},
    {"mp3", "ID3"},
    {"flac", "fLaC"},
    {"webm", "\x1A\x45\xDF\xA3"},  // EBML, RFC 8794.
    {"pdf", "%PDF-"},
    {"webp", "RIFF", 8, "WEBP"},
    {"wav", "RIFF", 8, "WAVE"},
    // RFC 7845: the first page has one segment, so that its content starts at byte 28.
    {"opus", "OggS", 28, "Opus"},
    {"ogg", "OggS"},
    {"m4a", "", 4, "ftypM4A"},
    {"mp4", "", 4, "ftyp"},
}};

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
  constexpr std::size_t utf8_bytes_max = 4;
  const std::size_t cut_max = std::min(utf8_bytes_max, start.size());
  bool is_utf8 = false;
  for (std::size_t cut = 0; cut < cut_max && !is_utf8; ++cut) {
    is_utf8 = is_valid_utf8(start.substr(0, start.size() - cut));
  }
  return is_utf8 && is_text(start);
}

const ReplyFile* named_file(std::string_view text, const HttpReply& reply) {
  constexpr std::string_view prefix = "file:";
  if (!text.starts_with(prefix)) return nullptr;
  text.remove_prefix(prefix.size());
  const auto index = whole_number<std::size_t>(text);
  return index && *index < reply.files.size() ? &reply.files[*index] : nullptr;
}

Asset asset_of(const ReplyFile& file) {
  return {.bytes = {}, .path = file.path, .extension = file_extension(file.head)};
}

}  // namespace

std::string file_extension(std::string_view head) {
  for (const FileMark& known : file_marks) {
    const bool is_marked =
        head.size() >= known.mark_at && head.substr(known.mark_at).starts_with(known.mark);
    if (head.starts_with(known.start) && is_marked) return std::string(known.extension);
  }
  const std::string_view extension = frame_extension(head);
  return std::string(extension.empty() ? "bin" : extension);
}

std::optional<DataUrl> read_data_url(std::string_view text) {
  constexpr std::string_view start = "data:";
  constexpr std::string_view mark = ";base64";
  if (!text.starts_with(start)) return std::nullopt;
  const auto [head, data] = parted(text.substr(start.size()), ',');
  if (!data || !head.ends_with(mark)) return std::nullopt;
  return DataUrl{.media_type = parted(head, ';').before, .base64 = *data};
}

bool add_asset(std::string_view text, const HttpReply& reply, Answer& answer) {
  if (const ReplyFile* file = named_file(text, reply)) {
    const bool is_known = std::ranges::count(answer.assets, file->path, &Asset::path) > 0;
    if (file->bytes <= 0 || is_known) return false;
    answer.assets.push_back(asset_of(*file));
    return true;
  }
  const std::optional<DataUrl> data_url = read_data_url(text);
  std::optional<std::string> bytes = decode_base64(data_url ? data_url->base64 : text);
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
