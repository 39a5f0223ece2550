// Collects one reply as it arrives, line by line and piece by piece, and says stop where it grows
// over its caps. Its body goes into memory, as a whole into a file, or into memory but for the long
// values that go to files (see ReplyFiles). Knows HTTP header lines, nothing of sockets or libcurl.
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

// All header lines of a transfer together, interim replies and trailers included. Our own choice:
// replies of the known providers stay below 4 KiB.
constexpr std::size_t reply_headers_bytes_max = std::size_t{64} << 10U;

class ReplySink {
 public:
  struct Refusal {
    TransferFault fault = TransferFault::too_large;
    std::string message;
  };

  // Precondition: body_bytes_max >= 0, and `files` outlives the sink.
  ReplySink(std::int64_t body_bytes_max, const ReplyFiles& files);

  // Takes one complete line: a status line, a header, or the empty line behind them. False: break
  // the transfer off, refusal() says why.
  bool take_header_line(std::string_view line);

  // Takes decoded bytes of the body. False as above, also where they can neither be kept in their
  // file nor be read back from it.
  bool take_body(std::string_view bytes);

  // Why the reply was refused; nullptr: it was not.
  [[nodiscard]] const Refusal* refusal() const { return refusal_ ? &*refusal_ : nullptr; }

  // All header lines of a reply that is not 1xx came, and the empty line behind them.
  [[nodiscard]] bool has_headers() const { return reply_.status != 0 && !in_headers_; }

  // Of the last status line that was not 1xx; 0: none came.
  [[nodiscard]] std::int32_t status() const { return reply_.status; }

  // The whole reply, once the transfer is complete. Files stay exactly where this succeeds; one
  // that cannot be synced becomes text again. Fails with disk_full or io where it cannot even be
  // read back.
  Result<HttpReply> finish();

 private:
  // Where the body goes.
  enum class Way : std::uint8_t {
    undecided,  // Only blanks came so far.
    to_text,
    to_filter,
    to_file,
  };

  void expect_body(std::string_view length);  // Makes room for what Content-Length promises.
  bool refuse(TransferFault fault, std::string message);
  [[nodiscard]] Way way_of(std::string_view bytes) const;
  Result<void> place(std::string_view bytes);
  Result<void> place_in_file(std::string_view bytes);
  Result<void> take_back();

  const ReplyFiles& wanted_;
  std::size_t body_bytes_max_;
  HttpReply reply_;  // Without a body, until it is finished.
  std::size_t headers_bytes_ = 0;
  std::size_t body_bytes_ = 0;
  bool in_headers_ = false;  // Of a reply that is not 1xx: its lines are kept.
  std::optional<Refusal> refusal_;
  Way way_ = Way::undecided;
  std::string text_;
  std::optional<BodyFile> file_;
  JsonFileFilter filter_;
};

}  // namespace ratebatch::net
