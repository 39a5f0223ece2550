// A new file that a part of a reply goes to; it is removed unless someone takes it.
#pragma once

#include <functional>
#include <string>
#include <string_view>
#include <utility>

#include "ratebatch/base/file.hpp"
#include "ratebatch/base/result.hpp"
#include "ratebatch/model/http.hpp"

namespace ratebatch::net {

class BodyFile {
 public:
  // Creates the file with mode 0600. Fails with disk_full or io where there is no room, it exists
  // already, is a symbolic link, or cannot be created.
  static Result<BodyFile> create(const std::string& path);

  BodyFile(BodyFile&& other) noexcept
      : descriptor_(std::move(other.descriptor_)), file_(std::exchange(other.file_, {})) {}
  BodyFile& operator=(BodyFile&&) = delete;
  ~BodyFile();

  // Appends all bytes. Fails with disk_full or io; the file then counts as it was before.
  Result<void> write(std::string_view bytes);

  // Reads back all that was written, in pieces of 48 KiB, which base64 does not pad; the last may
  // be shorter. Fails with io.
  Result<void> read(const std::function<void(std::string_view)>& take) const;

  // Syncs and closes the file: nothing may be written or read any more. Fails with disk_full or io;
  // the file is open then, as it was.
  Result<void> complete();

  // Lets the file stay. Precondition: it is complete.
  ReplyFile release();

 private:
  BodyFile(int descriptor, const std::string& path) : descriptor_(descriptor) { file_.path = path; }

  Descriptor descriptor_;  // None: closed or moved from.
  ReplyFile file_;         // Without a path: moved from or released.
};

}  // namespace ratebatch::net
