// Where the body of a reply goes as it arrives: into memory, as a whole into a file, or in memory
// but for the long values that go to files (see ReplyFiles).
#pragma once

#include <cstddef>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "net/body_file.hpp"
#include "net/json_file_filter.hpp"
#include "ratebatch/base/result.hpp"
#include "ratebatch/model/http.hpp"

namespace ratebatch::net {

class ReplyBody {
 public:
  // Precondition: `wanted` outlives it.
  explicit ReplyBody(const ReplyFiles& wanted) : wanted_(wanted), filter_(wanted) {}

  // Makes room for so many bytes, where all of them will stay in memory.
  void expect(std::size_t bytes);

  // Takes the next bytes of the body of `reply`, whose status and headers are there. Fails with
  // disk_full or io where bytes can neither be kept in their file nor be read back from it.
  Result<void> take(const HttpReply& reply, std::string_view bytes);

  // The body is complete: moves it to the reply, and its files, which stay, to the reply's files; a
  // file that cannot be synced becomes text again. Fails with disk_full or io where it cannot even
  // be read back.
  Result<void> finish(HttpReply& reply);

 private:
  enum class Way : std::uint8_t {
    undecided,  // Only blanks came so far.
    to_text,
    to_filter,
    to_file,
  };

  [[nodiscard]] Way way_of(const HttpReply& reply, std::string_view bytes) const;
  Result<void> take_into_file(std::string_view bytes);
  Result<void> take_back();

  const ReplyFiles& wanted_;
  Way way_ = Way::undecided;
  std::string text_;
  std::optional<BodyFile> file_;
  JsonFileFilter filter_;
};

}  // namespace ratebatch::net
