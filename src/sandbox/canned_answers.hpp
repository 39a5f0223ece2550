// What the sandbox answers with: a few pleasant sentences that name what the prompt names and claim
// nothing about anybody, and files that readers accept, as large as wanted, with no content to
// speak of. Same arguments, same bytes; other arguments, others.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "sandbox/question.hpp"

namespace ratebatch::sandbox {

// An email if the prompt speaks of one, else a plain answer; 200 to 1,200 bytes of UTF-8. Same seed
// and prompt, same text. Precondition: `prompt` is valid UTF-8.
std::string answer_text(std::uint64_t seed, std::string_view prompt);

// Capitalised words in order of appearance, neighbours joined ("Nina Simone"), without those that
// begin a sentence or a line or are followed by a colon; each once, at most three.
std::vector<std::string> names_in(std::string_view prompt);

// Four code points make a token, roughly: how providers estimate.
std::int64_t token_count(std::int64_t characters);

// The first `tokens` tokens of `text`, never cut inside a character.
std::string_view first_tokens(std::string_view text, std::int64_t tokens);

// A number that follows from both: where texts and files draw their choices from.
std::uint64_t mixed(std::uint64_t seed, std::string_view text);

// A PNG of 64 x 64 pixels of one colour and of at least `bytes_min` bytes, and 12,000 at least:
// what is missing is a text in it.
std::string picture_png(std::uint64_t number, std::int64_t bytes_min);

// A reply whose body is audio, the longer the longer the text is. `format` begins with mp3, wav,
// pcm, opus, flac or aac ("mp3_44100_128" is mp3); others are taken for mp3. WAV and MP3 can be
// played; of the formats but those and pcm only the first bytes are as they should be.
Reply spoken(std::string_view text, std::string_view format, std::uint64_t seed);

// Appends the four bytes of the number, the lowest first.
void put_little(std::string& out, std::uint32_t value);

}  // namespace ratebatch::sandbox
