// Numbers and durations as servers write them in headers and sentences.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/time.hpp"

namespace ratebatch::provider {

// Counts above this are taken for mistakes and left out: no limit of a known provider is near it,
// and sums of many of them fit 64 bits.
constexpr std::int64_t count_max = 1'000'000'000'000'000;

// The number that `text` begins with, as far as it is one: "1.146" of "1.146s." and "2" of "2.".
std::string_view leading_number(std::string_view text);

// The number that `text` begins with, rounded down, with or without commas between thousands:
// "30,000", "250000.000000", "9.0". Nothing where there is none, or above count_max.
std::optional<std::int64_t> leading_count(std::string_view text);

// The value of a header that counts: its leading number, where nothing but blanks or a list
// follows ("100, 100;w=60"). Nothing for negative and other values.
std::optional<std::int64_t> header_count(std::string_view value);

// A duration as Go writes it, at the start of a text in lower case: "6m0s", "20ms", "1.5s". Written
// as parse_duration knows it; empty where there is none.
std::string leading_go_duration(std::string_view text);

}  // namespace ratebatch::provider
