#include "ratebatch/run/assets.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <utility>

#include "ratebatch/base/text.hpp"
#include "run/durable_file.hpp"

namespace ratebatch {
namespace {

// ext4 and most others take 255 bytes; the rest is room for hash, number, extension and ".part".
constexpr std::size_t stem_bytes_max = 100;

bool is_safe(char c) {
  return (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '.' ||
         c == '_' || c == '-';
}

Result<void> write_one(int folder, const std::string& shown_folder, const std::string& name,
                       std::string_view bytes) {
  const std::string part = name + ".part";
  const std::string shown = shown_folder + "/" + name;
  // A part file may be left from a killed run; it is nobody's.
  ::unlinkat(folder, part.c_str(), 0);
  const Descriptor file = create_exclusively(folder, part);
  if (file.get() < 0) return file_error("create", shown, errno);
  int code = write_all(file.get(), bytes);
  if (code == 0 && ::fsync(file.get()) != 0) code = errno;
  if (code == 0 && ::renameat(folder, part.c_str(), folder, name.c_str()) != 0) code = errno;
  if (code == 0) return {};
  ::unlinkat(folder, part.c_str(), 0);
  return file_error("write", shown, code);
}

// Files moved into a folder, and back again unless all of them are to stay.
class Moves {
 public:
  explicit Moves(int folder) : folder_(folder) {}
  Moves(const Moves&) = delete;
  Moves& operator=(const Moves&) = delete;
  ~Moves() {
    for (const auto& [path, name] : moved_) {
      ::renameat(folder_, name.c_str(), AT_FDCWD, path.c_str());
    }
  }

  Result<void> move(const std::string& path, const std::string& name) {
    if (::renameat(AT_FDCWD, path.c_str(), folder_, name.c_str()) != 0) {
      return file_error("move to its folder", path, errno);
    }
    moved_.emplace_back(path, name);
    return {};
  }

  void stay() { moved_.clear(); }

 private:
  int folder_;
  std::vector<std::pair<std::string, std::string>> moved_;  // From where, and the name here.
};

struct Free {
  void operator()(char* text) const { std::free(text); }
  void operator()(DIR* folder) const { ::closedir(folder); }
};

// The checkpoint's path without links and dots; as it was given where it has none yet.
std::string canonical(const std::string& path) {
  const std::unique_ptr<char, Free> real(::realpath(path.c_str(), nullptr));
  return real ? real.get() : path;
}

tl::unexpected<Error> not_ours(const std::string& path, std::string_view why) {
  return fail(ErrorCode::invalid_input,
              fmt::format("cannot keep arriving files in {}: {}; remove it", escaped(path), why));
}

// Removes all files of a folder of ours.
Result<void> empty_folder(Descriptor folder, const std::string& path) {
  const std::unique_ptr<DIR, Free> entries(::fdopendir(folder.get()));
  if (!entries) return file_error("read the folder", path, errno);
  const int descriptor = folder.release();  // Which is the stream's now.
  while (true) {
    errno = 0;
    const dirent* const entry = ::readdir(entries.get());
    if (entry == nullptr && errno != 0) return file_error("read the folder", path, errno);
    if (entry == nullptr) return {};
    const std::string_view name = entry->d_name;
    if (name == "." || name == "..") continue;
    if (::unlinkat(descriptor, entry->d_name, 0) != 0 && errno != ENOENT) {
      return file_error("remove", path + "/" + entry->d_name, errno);
    }
  }
}

}  // namespace

std::string asset_name(std::string_view id, std::size_t index, std::size_t count,
                       std::string_view extension) {
  std::string stem;
  for (const char c : id.substr(0, stem_bytes_max)) stem += is_safe(c) ? c : '_';
  if (stem.empty() || stem.front() == '.' || stem.front() == '-') stem.insert(0, "_");
  if (stem != id) stem += "-" + fnv1a_64_hex(id);
  const std::string number = count > 1 && index > 0 ? fmt::format("~{}", index + 1) : "";
  return fmt::format("{}{}.{}", stem, number, extension);
}

Result<void> prepare_assets_folder(const std::string& folder) {
  const bool made = ::mkdir(folder.c_str(), 0700) == 0 || errno == EEXIST;
  const Descriptor directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (made && directory.get() >= 0 && ::faccessat(directory.get(), ".", W_OK | X_OK, 0) == 0) {
    return {};
  }
  return fail(ErrorCode::invalid_input,
              fmt::format("cannot write files to the folder {}: {}; set 'assets:' in the "
                          "configuration to a folder that can be written",
                          escaped(folder), std::strerror(errno)));
}

Result<std::vector<std::string>> write_assets(const std::string& folder, std::string_view id,
                                              const std::vector<Asset>& assets,
                                              std::size_t before) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return file_error("create the folder", folder, errno);
  }
  const Descriptor directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.get() < 0) return file_error("open the folder", folder, errno);
  Moves moves(directory.get());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < assets.size(); ++i) {
    const Asset& asset = assets[i];
    std::string name = asset_name(id, before + i, before + assets.size(), asset.extension);
    auto written = asset.path.empty() ? write_one(directory.get(), folder, name, asset.bytes)
                                      : moves.move(asset.path, name);
    if (!written) return pass(written);
    names.push_back(std::move(name));
  }
  if (::fsync(directory.get()) != 0) return file_error("sync the folder", folder, errno);
  moves.stay();
  return names;
}

Result<std::string> open_incoming_folder(const std::string& assets, const std::string& checkpoint) {
  std::string path = assets + "/.incoming-" + fnv1a_64_hex(canonical(checkpoint));
  if (::mkdir(path.c_str(), 0700) != 0 && errno != EEXIST) {
    return file_error("create the folder", path, errno);
  }
  Descriptor folder{::open(path.c_str(), O_RDONLY | O_DIRECTORY | O_NOFOLLOW | O_CLOEXEC)};
  if (folder.get() < 0 && (errno == ELOOP || errno == ENOTDIR)) {
    return not_ours(path, "it is a link or a file");
  }
  if (folder.get() < 0) return file_error("open the folder", path, errno);
  struct stat info{};
  if (::fstat(folder.get(), &info) != 0) return file_error("look at the folder", path, errno);
  if (info.st_uid != ::geteuid()) return not_ours(path, "it belongs to another user");
  if ((info.st_mode & 0077U) != 0 && ::fchmod(folder.get(), 0700) != 0) {
    return file_error("close the folder to others", path, errno);
  }
  if (auto emptied = empty_folder(std::move(folder), path); !emptied) return pass(emptied);
  return path;
}

void close_incoming_folder(const std::string& path) { ::rmdir(path.c_str()); }

}  // namespace ratebatch
