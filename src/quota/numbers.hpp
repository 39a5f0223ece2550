// The stored form of the small states of this folder: integers separated by blanks.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace ratebatch {

// Appends each number, with a blank between it and what stands before.
void append_numbers(std::string& out, std::initializer_list<std::int64_t> numbers);

// All numbers of `text`; nothing where it holds anything else, an integer beyond 64 bits, or more
// than `count_max` of them.
std::optional<std::vector<std::int64_t>> read_numbers(std::string_view text, std::size_t count_max);

}  // namespace ratebatch
