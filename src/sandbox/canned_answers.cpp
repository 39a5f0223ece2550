#include "sandbox/canned_answers.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <utility>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/integers.hpp"
#include "ratebatch/base/random.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::sandbox {
namespace {

constexpr std::size_t names_max = 3;
constexpr std::size_t name_bytes_max = 80;  // Longer runs are headlines, not names.

// One of each row makes a text: @ stands for the first name of the prompt and # for the second.
constexpr std::array<std::array<std::string_view, 4>, 4> sentences = {{
    {"The short answer is that @ rewards a second look.",
     "Three things are worth knowing about @ before anything else.",
     "It helps to take @ one step at a time.",
     "Seen from a distance @ looks simple; up close it is better than that."},
    {"Start with what is certain, write it down, and let the rest wait until it has to be decided.",
     "Begin where the ground is firm and keep the first attempt small.",
     "Gather what you already have; it is usually more than it seems.",
     "Name the one result that matters and measure everything else against it."},
    {"After that, compare it with #, because the differences teach more than the likeness.",
     "Then turn to #, where the same question has a different shape.",
     "What holds for # holds here too, with one exception that becomes clear in practice.",
     "Keep # in mind, since it sets the pace for whatever follows."},
    {"With a little patience the remaining questions answer each other.",
     "Whoever gets this far can judge the rest without help.",
     "It will not be perfect the first time, and it does not have to be.",
     "That is enough to begin with; the finer points come with use."},
}};

void append_filled(std::string& out, std::string_view text, std::string_view first,
                   std::string_view second) {
  for (const char c : text) {
    if (c == '@' || c == '#') {
      out += c == '@' ? first : second;
    } else {
      out += c;
    }
  }
}

// ASCII and the Latin-1 letters (U+00C0 to U+00DE in UTF-8); other scripts have no capitals here.
bool is_capitalised(std::string_view word) {
  if (word.empty()) return false;
  return is_upper(word[0]) || (word.size() > 1 && word[0] == '\xC3' && word[1] <= '\x9E');
}

constexpr std::int64_t picture_bytes_min = 12'000;

void put_big(std::string& out, std::uint32_t value) {
  for (const unsigned shift : {24U, 16U, 8U, 0U}) {
    out += static_cast<char>((value >> shift) & 0xFFU);
  }
}

// The table of the CRC that PNG uses (PNG specification, annex D).
constexpr std::array<std::uint32_t, 256> make_crc_table() {
  std::array<std::uint32_t, 256> table{};
  for (std::uint32_t n = 0; n < table.size(); ++n) {
    std::uint32_t c = n;
    for (int k = 0; k < 8; ++k) c = (c & 1U) != 0 ? 0xEDB88320U ^ (c >> 1U) : c >> 1U;
    table[n] = c;
  }
  return table;
}

std::uint32_t crc32(std::string_view bytes) {
  static constexpr std::array<std::uint32_t, 256> table = make_crc_table();
  std::uint32_t c = 0xFFFFFFFFU;
  for (const char byte : bytes) {
    c = table[(c ^ static_cast<unsigned char>(byte)) & 0xFFU] ^ (c >> 8U);
  }
  return c ^ 0xFFFFFFFFU;
}

void put_chunk(std::string& out, std::string_view type, std::string_view data) {
  put_big(out, static_cast<std::uint32_t>(data.size()));
  const std::size_t from = out.size();
  out.append(type).append(data);
  put_big(out, crc32(std::string_view(out).substr(from)));
}

// 64 x 64 pixels, a palette of one-bit indices, the only compression and filter methods, not
// interlaced.
constexpr std::string_view png_header("\0\0\0\x40\0\0\0\x40\x01\x03\0\0\0", 13);

// All pixels are of the first colour: 64 rows of a filter byte and 8 bytes, all zero, compressed by
// zlib.
constexpr std::string_view png_pixels(
    "\x78\xDA\x63\x60\x18\x05\xA3\x80\x7C\x00\x00\x02\x40\x00\x01", 15);

// 20 ms of 8 kHz mono for each character: as fast as a hasty speaker, and small.
constexpr std::size_t pcm_bytes_per_character = 320;

// What stands between the two sizes in the header of a WAV file: PCM, mono, 8000 samples and 16000
// bytes a second, 2 bytes and 16 bits a sample.
constexpr std::string_view wav_format(
    "WAVEfmt \x10\0\0\0\x01\0\x01\0\x40\x1F\0\0\x80\x3E\0\0\x02\0\x10\0data", 32);

// An MPEG-1 layer III frame of 32 kbit/s at 32 kHz, mono, without CRC: 144 * 32000 / 32000 bytes
// (ISO 11172-3, 2.4.3.1). Its side information of 17 zero bytes says that it holds no sound, so
// the rest of it is ancillary data and may be anything.
constexpr std::string_view mp3_frame_start("\xFF\xFB\x18\xC0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0\0",
                                           21);
constexpr std::size_t mp3_frame_bytes = 144;

// Bytes that are never those of a frame's beginning, nor loud as samples.
void put_noise(std::string& out, std::size_t bytes, Rng& rng) {
  for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(i % 2 == 0 ? rng.below(128) : 0);
}

std::string wav_header(std::uint32_t data_bytes) {
  std::string out = "RIFF";
  put_little(out, static_cast<std::uint32_t>(4 + wav_format.size()) + data_bytes);
  out += wav_format;
  put_little(out, data_bytes);
  return out;
}

struct AudioFormat {
  std::string_view name;
  const char* content_type;
  std::size_t bytes_per_character;
  std::string_view start;
};

// All but mp3. Those behind pcm only begin as they should; aac is an ADTS frame: MPEG-4, no CRC
// (ISO 14496-3, 1.A.2).
constexpr std::array<AudioFormat, 5> audio_formats = {
    {{"wav", "audio/wav", pcm_bytes_per_character, ""},  // Its header says how long it is.
     {"pcm", "audio/pcm", pcm_bytes_per_character, ""},
     {"opus", "audio/opus", mp3_frame_bytes, "OggS"},
     {"flac", "audio/flac", mp3_frame_bytes, "fLaC"},
     {"aac", "audio/aac", mp3_frame_bytes, "\xFF\xF1\x50"}}};

}  // namespace

std::vector<std::string> names_in(std::string_view prompt) {
  std::vector<std::string> names;
  std::string run;
  const auto close_run = [&] {
    const bool known = std::ranges::find(names, run) != names.end();
    const bool fits = run.size() <= name_bytes_max && names.size() < names_max;
    if (!run.empty() && fits && !known) names.push_back(run);
    run.clear();
  };
  bool begins_sentence = true;
  for (std::size_t at = 0; at < prompt.size();) {
    const std::size_t end = std::min(prompt.find_first_of(blanks, at), prompt.size());
    const std::string_view word = prompt.substr(at, end - at);
    const bool ends_line = end < prompt.size() && prompt[end] == '\n';
    at = end + 1;
    if (word.empty()) continue;
    // The word without the punctuation around it, and what stands behind.
    const std::string_view bare = trimmed(word, ".,;:!?()[]{}<>\"'*_/");
    const std::string_view behind = bare.empty() ? word : std::string_view(bare.end(), word.end());
    const bool is_label = contains(behind, ":");  // "Artist:"
    if (is_capitalised(bare) && !is_label && !begins_sentence && !has_control_byte(bare)) {
      if (!run.empty()) run += ' ';
      run += bare;
    } else {
      close_run();
    }
    if (!behind.empty() || ends_line) close_run();
    begins_sentence = ends_line || behind.find_first_of(".!?") != std::string_view::npos;
  }
  close_run();
  return names;
}

std::string answer_text(std::uint64_t seed, std::string_view prompt) {
  const std::vector<std::string> names = names_in(prompt);
  const std::string_view first = names.empty() ? "the question" : std::string_view(names[0]);
  const std::string_view second =
      names.size() < 2 ? "its nearest neighbour" : std::string_view(names[1]);
  const std::string lower = lower_case(prompt);
  const bool is_email = contains(lower, "email") || contains(lower, "e-mail");
  Rng rng(mixed(seed, prompt));
  std::string text;
  if (is_email) append_filled(text, "Subject: One question about #\n\nDear @,\n\n", first, second);
  for (const auto& choices : sentences) {
    append_filled(text, choices[rng.below(choices.size())], first, second);
    text += ' ';
  }
  text.pop_back();
  if (is_email) text += "\n\nKind regards";
  return text;
}

std::int64_t token_count(std::int64_t characters) { return divide_up(characters, 4); }

std::string_view first_tokens(std::string_view text, std::int64_t tokens) {
  std::int64_t characters = 0;
  for (std::size_t at = 0; at < text.size(); ++at) {
    if ((static_cast<unsigned char>(text[at]) & 0xC0U) == 0x80) continue;
    if (characters++ / 4 >= tokens) return text.substr(0, at);
  }
  return text;
}

std::uint64_t mixed(std::uint64_t seed, std::string_view text) {
  const auto hash = whole_number<std::uint64_t>(fnv1a_64_hex(text), 16);
  return Rng(seed ^ Rng(hash.value_or(0)).next()).next();
}

std::string picture_png(std::uint64_t number, std::int64_t bytes_min) {
  const auto size = static_cast<std::size_t>(std::max(bytes_min, picture_bytes_min));
  std::string text("Comment\0", 8);
  const std::string digits = fmt::format("{:016x}", number);
  text.reserve(size + digits.size());
  while (text.size() < size) text += digits;

  std::string png = "\x89PNG\r\n\x1A\n";
  png.reserve(text.size() + 200);
  put_chunk(png, "IHDR", png_header);
  std::string colour;
  put_big(colour, static_cast<std::uint32_t>(number));
  put_chunk(png, "PLTE", std::string_view(colour).substr(1));
  put_chunk(png, "tEXt", text);
  put_chunk(png, "IDAT", png_pixels);
  put_chunk(png, "IEND", "");
  return png;
}

Reply spoken(std::string_view text, std::string_view format, std::uint64_t seed) {
  const auto characters = static_cast<std::size_t>(std::max<std::int64_t>(code_points(text), 1));
  Rng rng(mixed(seed, text));
  for (const AudioFormat& known : audio_formats) {
    if (!format.starts_with(known.name)) continue;
    const std::size_t size = characters * known.bytes_per_character;
    std::string out(known.start);
    if (known.name == "wav") out = wav_header(static_cast<std::uint32_t>(size));
    put_noise(out, size, rng);
    return {200, {{"Content-Type", known.content_type}}, std::move(out)};
  }
  std::string out;
  for (std::size_t i = 0; i < characters; ++i) {
    out += mp3_frame_start;
    put_noise(out, mp3_frame_bytes - mp3_frame_start.size(), rng);
  }
  return {200, {{"Content-Type", "audio/mpeg"}}, std::move(out)};
}

void put_little(std::string& out, std::uint32_t value) {
  for (const unsigned shift : {0U, 8U, 16U, 24U}) {
    out += static_cast<char>((value >> shift) & 0xFFU);
  }
}

}  // namespace ratebatch::sandbox
