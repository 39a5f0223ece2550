// Words of a server, made fit to be stored and shown.
#pragma once

#include <string>
#include <string_view>

namespace ratebatch::provider {

// Outcome::message is at most this long: enough for every error text seen, and bounded in the
// checkpoint.
constexpr std::size_t message_bytes_max = 1000;

// The text without surrounding blanks, bytes that are not UTF-8 written as \xNN, and cut at a
// character to at most message_bytes_max bytes.
std::string as_message(std::string_view text);

}  // namespace ratebatch::provider
