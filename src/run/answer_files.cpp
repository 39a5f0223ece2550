#include "ratebatch/run/answer_files.hpp"

#include <dirent.h>
#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/file.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::run {
namespace {

// ext4 and most others take 255 bytes; the rest is room for hash, number, extension and ".part".
constexpr std::size_t stem_bytes_max = 100;

bool is_safe(char c) { return is_letter_or_digit(c) || c == '.' || c == '_' || c == '-'; }

// Puts one file in the place of another, or of none. Where the file system can, the other is at the
// old path then, so that both can go back; a folder is never replaced. 0 or the errno.
int put(int from_folder, const std::string& from, int folder, const std::string& name,
        bool& exchanged) {
  struct stat there{};
  exchanged = false;
  const bool is_there = ::fstatat(folder, name.c_str(), &there, AT_SYMLINK_NOFOLLOW) == 0;
  if (is_there && S_ISDIR(there.st_mode)) return EISDIR;
  if (is_there) {
    exchanged = ::renameat2(from_folder, from.c_str(), folder, name.c_str(), RENAME_EXCHANGE) == 0;
    if (exchanged) return 0;
  }
  return ::renameat(from_folder, from.c_str(), folder, name.c_str()) == 0 ? 0 : errno;
}

// Files put into a folder, and back again, as are those they replaced, unless all are to stay.
class Moves {
 public:
  explicit Moves(int folder) : folder_(folder) {}
  Moves(const Moves&) = delete;
  Moves& operator=(const Moves&) = delete;
  ~Moves() {
    for (auto move = moves_.rbegin(); move != moves_.rend(); ++move) {
      const unsigned how = move->exchanged ? RENAME_EXCHANGE : 0U;
      ::renameat2(folder_, move->name.c_str(), move->from_folder, move->from.c_str(), how);
      if (move->is_part) ::unlinkat(folder_, move->from.c_str(), 0);
    }
  }

  // A file that arrived, or bytes in memory; 0 or the errno, EISDIR where a folder has that name.
  int take(const Asset& asset, const std::string& name) {
    if (asset.path.empty()) return write(asset.bytes, name);
    return move({AT_FDCWD, asset.path, name, false, false});
  }

  void stay() {
    for (const Move& move : moves_) {
      if (move.exchanged) ::unlinkat(move.from_folder, move.from.c_str(), 0);
    }
    moves_.clear();
  }

 private:
  int write(std::string_view bytes, const std::string& name) {
    const std::string part = name + ".part";
    // A part file may be left from a killed run; it is nobody's.
    ::unlinkat(folder_, part.c_str(), 0);
    int code = 0;
    {
      const Descriptor file = create_exclusively(folder_, part);
      if (file.get() < 0) return errno;
      code = write_all(file.get(), bytes);
      if (code == 0 && ::fsync(file.get()) != 0) code = errno;
    }
    if (code == 0) code = move({folder_, part, name, true, false});
    if (code != 0) ::unlinkat(folder_, part.c_str(), 0);
    return code;
  }

  struct Move {
    int from_folder;
    std::string from;
    std::string name;
    bool is_part;    // Of bytes that are in memory, too.
    bool exchanged;  // The file that was replaced is at `from`.
  };

  int move(Move move) {
    const int code = put(move.from_folder, move.from, folder_, move.name, move.exchanged);
    if (code == 0) moves_.push_back(std::move(move));
    return code;
  }

  int folder_;
  std::vector<Move> moves_;
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
  const std::string of_job = fmt::format(" of job '{}'", id);
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return file_error("create the folder", folder + of_job, errno);
  }
  const Descriptor directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.get() < 0) return file_error("open the folder", folder + of_job, errno);
  Moves moves(directory.get());
  std::vector<std::string> names;
  for (std::size_t i = 0; i < assets.size(); ++i) {
    const Asset& asset = assets[i];
    std::string name = asset_name(id, before + i, before + assets.size(), asset.extension);
    int code = moves.take(asset, name);
    if (code == EISDIR) {
      // No id makes a name with a tilde there.
      name.insert(name.rfind('.'), "~");
      code = moves.take(asset, name);
    }
    if (code != 0) return file_error("write", folder + "/" + name + of_job, code);
    names.push_back(std::move(name));
  }
  if (::fsync(directory.get()) != 0) return file_error("sync the folder", folder + of_job, errno);
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
  RB_TRY(emptied, empty_folder(std::move(folder), path));
  return path;
}

void close_incoming_folder(const std::string& path) { ::rmdir(path.c_str()); }

void remove_unused(AnswerFiles& files, const HttpReply& reply, const std::vector<Asset>& assets) {
  for (const ReplyFile& file : reply.files) {
    const bool used = std::any_of(assets.begin(), assets.end(),
                                  [&](const Asset& asset) { return asset.path == file.path; });
    if (!used) files.remove(file.path);
  }
}

AssetsFolder::~AssetsFolder() {
  if (!incoming_.empty()) close_incoming_folder(incoming_);
}

Result<std::string> AssetsFolder::incoming() {
  if (!incoming_.empty()) return incoming_;
  RB_TRY(folder, prepare_assets_folder(folder_));
  RB_TRY(opened, open_incoming_folder(folder_, checkpoint_));
  incoming_ = std::move(*opened);
  return incoming_;
}

Result<std::vector<std::string>> AssetsFolder::keep(std::string_view id, std::size_t before,
                                                    const std::vector<Asset>& assets) {
  RB_TRY(names, write_assets(folder_, id, assets, before));
  for (std::string& name : *names) name = folder_ + "/" + name;
  return names;
}

void AssetsFolder::remove(const std::string& path) { ::unlink(path.c_str()); }

}  // namespace ratebatch::run
