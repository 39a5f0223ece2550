// The texts of the sandbox: a few pleasant sentences that follow from a seed and a prompt and name
// what the prompt names. They claim nothing about anybody.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

namespace ratebatch::sandbox {

// A biography, an email or a general answer, as the prompt asks; 300 to 1,200 bytes of UTF-8.
// Same seed and prompt, same text. Precondition: `prompt` is valid UTF-8.
std::string answer_text(std::uint64_t seed, std::string_view prompt);

// Capitalised words in order of appearance, neighbours joined ("Nina Simone"), without those that
// begin a sentence or a line or are followed by a colon; each once, at most three.
std::vector<std::string> names_in(std::string_view prompt);

// Characters as providers count them for estimates: code points. Four make a token, roughly.
std::int64_t character_count(std::string_view text);
std::int64_t token_count(std::int64_t characters);

// The first `tokens` tokens of `text`, never cut inside a character.
std::string_view first_tokens(std::string_view text, std::int64_t tokens);

// A number that follows from both: where texts and pictures draw their choices from.
std::uint64_t mixed(std::uint64_t seed, std::string_view text);

}  // namespace ratebatch::sandbox
