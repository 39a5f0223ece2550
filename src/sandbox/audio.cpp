#include "sandbox/audio.hpp"

#include <algorithm>
#include <array>
#include <cstdint>

#include "ratebatch/base/random.hpp"
#include "sandbox/prose.hpp"

namespace ratebatch::sandbox {
namespace {

// 20 ms of 8 kHz mono for each character: as fast as a hasty speaker, and small.
constexpr std::int64_t samples_per_character = 160;
constexpr std::uint32_t samples_per_second = 8000;

// An MPEG-1 layer III frame of 32 kbit/s at 32 kHz, mono, without CRC: 144 * 32000 / 32000 bytes
// (ISO 11172-3, 2.4.3.1). Its side information of 17 zero bytes says that it holds no sound, so
// the rest of it is ancillary data and may be anything.
constexpr std::array<char, 4> mp3_header = {'\xFF', '\xFB', '\x18', '\xC0'};
constexpr std::size_t mp3_frame_bytes = 144;
constexpr std::size_t mp3_side_bytes = 17;

void put_little(std::string& out, std::uint32_t value, int bytes) {
  for (int i = 0; i < bytes; ++i) out += static_cast<char>((value >> (8 * i)) & 0xFFU);
}

// Signed samples of 16 bits: a triangle wave whose pitch changes with each character.
std::string samples(std::int64_t characters, Rng rng) {
  std::string out;
  out.reserve(static_cast<std::size_t>(characters * samples_per_character * 2));
  for (std::int64_t c = 0; c < characters; ++c) {
    const std::int64_t period = rng.between(16, 64);
    for (std::int64_t i = 0; i < samples_per_character; ++i) {
      const std::int64_t at = i % period;
      const std::int64_t height = std::min(at, period - at) * 4 * 4000 / period - 4000;
      put_little(out, static_cast<std::uint32_t>(height), 2);
    }
  }
  return out;
}

std::string wav(std::int64_t characters, const Rng& rng) {
  const std::string data = samples(characters, rng);
  const auto size = static_cast<std::uint32_t>(data.size());
  std::string out = "RIFF";
  put_little(out, 36 + size, 4);
  out += "WAVEfmt ";
  put_little(out, 16, 4);
  put_little(out, 1, 2);  // PCM.
  put_little(out, 1, 2);  // Mono.
  put_little(out, samples_per_second, 4);
  put_little(out, samples_per_second * 2, 4);
  put_little(out, 2, 2);
  put_little(out, 16, 2);
  out += "data";
  put_little(out, size, 4);
  return out + data;
}

// Bytes that are never those of a frame's beginning.
void put_noise(std::string& out, std::size_t bytes, Rng& rng) {
  for (std::size_t i = 0; i < bytes; ++i) out += static_cast<char>(rng.below(0x80));
}

std::string mp3(std::int64_t characters, Rng rng) {
  std::string out;
  for (std::int64_t c = 0; c < characters; ++c) {
    out.append(mp3_header.data(), mp3_header.size());
    out.append(mp3_side_bytes, '\0');
    put_noise(out, mp3_frame_bytes - mp3_header.size() - mp3_side_bytes, rng);
  }
  return out;
}

std::string lookalike(std::string_view magic, std::int64_t characters, Rng rng) {
  std::string out(magic);
  put_noise(out, static_cast<std::size_t>(characters) * mp3_frame_bytes, rng);
  return out;
}

}  // namespace

Audio spoken(std::string_view text, std::string_view format, std::uint64_t seed) {
  const std::int64_t characters = std::max<std::int64_t>(character_count(text), 1);
  const Rng rng(mixed(seed, text));
  if (format.starts_with("wav")) return {"audio/wav", wav(characters, rng)};
  if (format.starts_with("pcm")) return {"audio/pcm", samples(characters, rng)};
  if (format.starts_with("opus")) return {"audio/opus", lookalike("OggS", characters, rng)};
  if (format.starts_with("flac")) return {"audio/flac", lookalike("fLaC", characters, rng)};
  // The header of an ADTS frame: MPEG-4, no CRC (ISO 14496-3, 1.A.2).
  if (format.starts_with("aac")) return {"audio/aac", lookalike("\xFF\xF1\x50", characters, rng)};
  return {"audio/mpeg", mp3(characters, rng)};
}

}  // namespace ratebatch::sandbox
