// Files that come inside an answer: out of its base64 or out of the files that the transport has
// made of it, with their kind by their first bytes.
#pragma once

#include <optional>
#include <string>
#include <string_view>

#include "ratebatch/model/http.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::provider {

// "png", "jpg", "mp3", "wav", ... by the first bytes, of which 32 are enough; "bin" for all others.
std::string file_extension(std::string_view head);

// "data:image/png;base64,..." (RFC 2397). Points into the text.
struct DataUrl {
  std::string_view media_type;  // Without parameters.
  std::string_view base64;
};

// nullopt if the text is no such URL.
std::optional<DataUrl> read_data_url(std::string_view text);

// Appends to the answer's assets the file that stands as `text` in the reply's JSON: its base64, a
// data URL of it, or "file:0" where it is a file of the reply. False, and nothing is appended,
// where it is none of these, is empty, or is a file that the answer has already.
bool add_asset(std::string_view text, const HttpReply& reply, Answer& answer);

// Appends the reply's body as a whole. False where it is empty.
bool add_body_asset(const HttpReply& reply, Answer& answer);

// True where the body, which was to be a file, is no sound or picture by its type, and begins as
// JSON or a page do: it is an error, and not what was asked for.
bool is_text_as_file(const HttpReply& reply);

// Appends all files of the reply, in their order: for answers whose body is kept, and names them.
void add_reply_files(const HttpReply& reply, Answer& answer);

// Appends the URL of a file to fetch. False where it is none for the transport: neither https nor
// http to this machine, which only the sandbox may announce.
bool add_link(std::string_view url, Answer& answer);

}  // namespace ratebatch::provider
