// The audio of the sandbox: sounds that follow from a text and are the longer the longer it is.
// WAV files can be played, an MP3 stream is one of silent frames; of other formats only the first
// bytes are as they should be.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

namespace ratebatch::sandbox {

struct Audio {
  std::string content_type;
  std::string bytes;
};

// `format` begins with mp3, wav, pcm, opus, flac or aac ("mp3_44100_128" is mp3); others are taken
// for mp3. Same text and seed, same bytes.
Audio spoken(std::string_view text, std::string_view format, std::uint64_t seed);

}  // namespace ratebatch::sandbox
