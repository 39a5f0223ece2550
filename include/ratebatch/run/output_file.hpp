// A file that is complete or absent: written beside its final name, made visible by `commit`.
#pragma once

#include <string>
#include <string_view>

#include "ratebatch/base/file.hpp"
#include "ratebatch/base/result.hpp"

namespace ratebatch::run {

class OutputFile {
 public:
  // Opens a temporary file (0600) beside `path`. Fails with io or disk_full, naming the path.
  static Result<OutputFile> create(const std::string& path);

  OutputFile(OutputFile&&) noexcept = default;
  OutputFile& operator=(OutputFile&&) = delete;
  OutputFile(const OutputFile&) = delete;
  OutputFile& operator=(const OutputFile&) = delete;

  // Removes the temporary file unless committed.
  ~OutputFile();

  // Appends. Fails with disk_full or io.
  Result<void> write(std::string_view bytes);

  // Flushes, syncs, renames over `path`, syncs the folder. A file of that name is replaced.
  Result<void> commit();

 private:
  OutputFile(std::string path, std::string temporary, Descriptor file)
      : path_(std::move(path)), temporary_(std::move(temporary)), file_(std::move(file)) {}

  Result<void> flush();

  std::string path_;
  std::string temporary_;
  Descriptor file_;  // None once the file is visible, or moved from.
  std::string buffer_;
};

}  // namespace ratebatch::run
