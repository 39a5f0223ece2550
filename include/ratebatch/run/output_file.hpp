// A file that is complete or absent: written beside its final name, made visible by `commit`.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"

namespace ratebatch::run {

class OutputFile {
 public:
  // Opens a temporary file (0600) beside `path`. Fails with io or disk_full, naming the path.
  static Result<OutputFile> create(const std::string& path);

  OutputFile(OutputFile&&) noexcept;
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
  struct Parts;
  explicit OutputFile(std::unique_ptr<Parts> parts);

  std::unique_ptr<Parts> parts_;
};

}  // namespace ratebatch::run
