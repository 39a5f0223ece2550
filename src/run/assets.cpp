#include "ratebatch/run/assets.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <sys/stat.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>

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
              fmt::format("cannot write images to the folder {}: {}; set 'assets:' in the "
                          "configuration to a folder that can be written",
                          escaped(folder), std::strerror(errno)));
}

Result<std::vector<std::string>> write_assets(const std::string& folder, std::string_view id,
                                              const std::vector<Asset>& assets) {
  if (::mkdir(folder.c_str(), 0700) != 0 && errno != EEXIST) {
    return file_error("create the folder", folder, errno);
  }
  const Descriptor directory{::open(folder.c_str(), O_RDONLY | O_DIRECTORY | O_CLOEXEC)};
  if (directory.get() < 0) return file_error("open the folder", folder, errno);
  std::vector<std::string> names;
  for (std::size_t i = 0; i < assets.size(); ++i) {
    std::string name = asset_name(id, i, assets.size(), assets[i].extension);
    auto written = write_one(directory.get(), folder, name, assets[i].bytes);
    if (!written) return pass(written);
    names.push_back(std::move(name));
  }
  if (::fsync(directory.get()) != 0) return file_error("sync the folder", folder, errno);
  return names;
}

}  // namespace ratebatch
