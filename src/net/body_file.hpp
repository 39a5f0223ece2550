// A new file that a reply's body goes to; it is removed unless someone keeps it.
#pragma once

#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"

namespace ratebatch {

class BodyFile {
 public:
  // Creates the file with mode 0600. Fails with io where it exists already, is a symbolic link, or
  // cannot be created.
  static Result<BodyFile> create(const std::string& path);

  BodyFile(const BodyFile&) = delete;
  BodyFile& operator=(const BodyFile&) = delete;
  BodyFile(BodyFile&& other) noexcept;
  BodyFile& operator=(BodyFile&&) = delete;
  ~BodyFile();

  // Appends all bytes. Fails with disk_full or io.
  Result<void> write(std::string_view bytes);

  // Closes the file and lets it stay. Fails with disk_full or io; the file then goes.
  Result<void> keep();

 private:
  BodyFile(int descriptor, std::string path) : descriptor_(descriptor), path_(std::move(path)) {}

  int descriptor_;  // -1: closed or moved from.
  std::string path_;
};

}  // namespace ratebatch
