#include "ratebatch/run/output_file.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstdio>
#include <utility>

#include "run/durable_file.hpp"

namespace ratebatch::run {
namespace {

// Few large writes instead of one per line.
constexpr std::size_t buffer_bytes_max = 1U << 16U;

}  // namespace

struct OutputFile::Parts {
  std::string path;
  std::string temporary;
  Descriptor file;
  std::string buffer;
  bool committed = false;

  Result<void> flush() {
    const int code = write_all(file.get(), buffer);
    buffer.clear();
    if (code != 0) return file_error("write", path, code);
    return {};
  }
};

OutputFile::OutputFile(std::unique_ptr<Parts> parts) : parts_(std::move(parts)) {}
OutputFile::OutputFile(OutputFile&&) noexcept = default;

OutputFile::~OutputFile() {
  if (parts_ && !parts_->committed) ::unlink(parts_->temporary.c_str());
}

Result<OutputFile> OutputFile::create(const std::string& path) {
  // The process id keeps two commands that write the same file apart.
  const std::string temporary = fmt::format("{}.{}.part", path, ::getpid());
  ::unlink(temporary.c_str());
  Descriptor file = create_exclusively(AT_FDCWD, temporary);
  if (file.get() < 0) return file_error("create", path, errno);
  return OutputFile{std::make_unique<Parts>(Parts{path, temporary, std::move(file), {}, false})};
}

Result<void> OutputFile::write(std::string_view bytes) {
  parts_->buffer += bytes;
  if (parts_->buffer.size() < buffer_bytes_max) return {};
  return parts_->flush();
}

Result<void> OutputFile::commit() {
  auto flushed = parts_->flush();
  if (!flushed) return pass(flushed);
  if (::fsync(parts_->file.get()) != 0) return file_error("sync", parts_->path, errno);
  if (::rename(parts_->temporary.c_str(), parts_->path.c_str()) != 0) {
    return file_error("rename into place", parts_->path, errno);
  }
  parts_->committed = true;
  const std::size_t slash = parts_->path.rfind('/');
  const std::string folder = slash == std::string::npos ? "." : parts_->path.substr(0, slash + 1);
  const Descriptor directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.get() < 0 || ::fsync(directory.get()) != 0) {
    return file_error("sync the folder of", parts_->path, errno);
  }
  return {};
}

}  // namespace ratebatch::run
