// Takes long base64 values out of a JSON text as it arrives and writes them, decoded, to files.
//
// It follows strings, their escapes and the names of members, in constant space, and knows nothing
// else of JSON: what is no JSON passes through like any other text. It trusts nothing: whatever
// comes, what it passes on is the text it was given, but for the values whose files it names. Names
// are compared as they are written: one with escapes is none of ours.
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "net/body_file.hpp"
#include "ratebatch/base/base64.hpp"
#include "ratebatch/base/result.hpp"
#include "ratebatch/model/http.hpp"

namespace ratebatch::net {

class JsonFileFilter {
 public:
  // Precondition: `wanted` outlives the filter and has a folder when something is taken.
  explicit JsonFileFilter(const ReplyFiles& wanted) : wanted_(wanted) {}

  // Takes the next piece of the text, cut anywhere. Fails with disk_full or io where bytes that are
  // in a file can neither be kept there nor be read back; the filter is then of no more use.
  Result<void> take(std::string_view bytes);

  // The text is over: moves it to the reply's body, and the files, which stay, to its files. A
  // value without an end goes: such a text is no JSON anyway.
  void finish(HttpReply& reply);

 private:
  enum class Place : std::uint8_t {
    elsewhere,
    behind_name,    // Of a wanted member.
    behind_colon,   // Of a wanted member.
    in_text,        // Any string that may be a name.
    in_value,       // A wanted member's string, not yet long enough for a file.
    in_kept_value,  // One that stays in the text.
    in_file,        // One whose bytes go to `file_`.
  };

  // Each takes some of the bytes, the others in their places, and returns how many.
  Result<std::size_t> take_some(std::string_view bytes);
  std::size_t take_between(std::string_view bytes);
  std::size_t take_text(std::string_view bytes);
  Result<std::size_t> take_string(std::string_view bytes);
  Result<std::size_t> take_value(std::string_view bytes);

  void end_string();
  Result<void> begin_file();
  Result<void> end_file();
  bool take_escape(char c);
  bool write_decoded();
  Result<void> give_back();
  void forget_value();

  const ReplyFiles& wanted_;
  std::string text_;  // What is passed on.
  Place place_ = Place::elsewhere;
  bool escaped_ = false;       // In a string of the text: behind a backslash.
  std::size_t string_at_ = 0;  // Where in text_ the string begins, behind its quote.
  std::vector<BodyFile> files_;
  std::size_t files_begun_ = 0;
  bool no_files_ = false;  // One could not be made or written: the disk is not asked again.

  // Of the value in `file_`. All that was taken of it is, in this order, in prefix_, the file,
  // decoded_, decoder_ and escape_.
  std::optional<BodyFile> file_;
  std::string prefix_;   // "data:image/png;base64,", or nothing.
  std::string decoded_;  // Not yet written.
  Base64Decoder decoder_;
  std::string escape_;  // An escape that is not complete, with its backslash.
};

}  // namespace ratebatch::net
