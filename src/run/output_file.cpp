#include "ratebatch/run/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>

namespace ratebatch::run {

Result<OutputFile> OutputFile::create(const std::string& path) {
  // The process id keeps two commands that write the same file apart.
  const std::string temporary = fmt::format("{}.{}.part", path, ::getpid());
  ::unlink(temporary.c_str());
  Descriptor file = create_exclusively(AT_FDCWD, temporary);
  if (file.get() < 0) return file_error("create", path, errno);
  return OutputFile{path, temporary, std::move(file)};
}

OutputFile::~OutputFile() {
  if (file_.get() >= 0) ::unlink(temporary_.c_str());
}

Result<void> OutputFile::write(std::string_view bytes) {
  // Few large writes instead of one per line.
  constexpr std::size_t buffer_bytes_max = 1U << 16U;
  buffer_ += bytes;
  return buffer_.size() < buffer_bytes_max ? Result<void>{} : flush();
}

Result<void> OutputFile::flush() {
  const int code = write_all(file_.get(), buffer_);
  buffer_.clear();
  if (code != 0) return file_error("write", path_, code);
  return {};
}

Result<void> OutputFile::commit() {
  RB_TRY(flushed, flush());
  if (::fsync(file_.get()) != 0) return file_error("sync", path_, errno);
  if (::rename(temporary_.c_str(), path_.c_str()) != 0) {
    return file_error("rename into place", path_, errno);
  }
  file_ = Descriptor{};
  const std::size_t slash = path_.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : path_.substr(0, slash + 1);
  const Descriptor directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) {
    return file_error("sync the folder of", path_, errno);
  }
  return {};
}

}  // namespace ratebatch::run
