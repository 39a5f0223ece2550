// The lock that makes one process at a time the owner of a checkpoint: an fcntl lock on `DB.lock`.
//
// It vanishes with its process, however that ends. fcntl locks belong to the process and are
// dropped when any descriptor of the file is closed, so nobody else may open that file; the
// functions here look among the open descriptors first and never open it a second time. The file
// is not the database itself, because SQLite keeps locks of its own there.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <utility>

#include "ratebatch/base/file.hpp"
#include "ratebatch/base/result.hpp"

namespace ratebatch::store {

class RunLock {
 public:
  // Takes the lock of the database at `path` (resolved), making the lock file (0600) if need be.
  // Never waits. Fails with locked, naming the holder, or with io.
  static Result<RunLock> take(const std::string& path);

  // The process that holds the lock (0: one that is not visible from here), without taking it.
  static std::optional<std::int64_t> holder(const std::string& path);

  // True where `take` made the lock file.
  [[nodiscard]] bool made_file() const { return made_file_; }

  // Removes the lock file; the lock is held until destruction all the same.
  void remove_file() noexcept;

 private:
  RunLock(std::string file, Descriptor descriptor, bool made_file)
      : file_(std::move(file)), descriptor_(std::move(descriptor)), made_file_(made_file) {}

  std::string file_;
  Descriptor descriptor_;
  bool made_file_;
};

}  // namespace ratebatch::store
