#include "cli/output_guard.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>

#include "ratebatch/base/text.hpp"

namespace ratebatch {
namespace {

namespace fs = std::filesystem;

tl::unexpected<Error> refused(const OutputPath& output, const std::string& why) {
  return fail(ErrorCode::invalid_input,
              fmt::format("{} {}: {}", output.option, escaped(output.path), why));
}

// By the files where both are there, else by their names.
bool is_same(const std::string& a, const std::string& b) {
  std::error_code failed;
  if (fs::equivalent(a, b, failed) && !failed) return true;
  const fs::path first = fs::weakly_canonical(a, failed);
  if (failed) return false;
  const fs::path second = fs::weakly_canonical(b, failed);
  return !failed && first == second;
}

Result<void> guard(const OutputPath& output, const CommonOptions& common,
                   const std::vector<std::string>& inputs) {
  for (const char* end : {"", "-wal", "-shm", ".lock"}) {
    if (is_same(output.path, common.db + end)) {
      return refused(output, "is the checkpoint; name another file");
    }
  }
  for (const std::string& input : inputs) {
    if (input != "-" && is_same(output.path, input)) {
      return refused(output, "is read by this command; name another file");
    }
  }
  std::error_code failed;
  if (fs::is_directory(output.path, failed)) return refused(output, "is a folder; name a file");
  const std::string folder = fs::path(output.path).parent_path().string();
  if (::access(folder.empty() ? "." : folder.c_str(), W_OK) != 0) {
    return refused(output, fmt::format("cannot write to its folder: {}", std::strerror(errno)));
  }
  return {};
}

}  // namespace

Result<void> guard_outputs(const std::vector<OutputPath>& outputs, const CommonOptions& common,
                           const std::vector<std::string>& inputs) {
  std::vector<std::string> read = inputs;
  if (common.config) read.push_back(*common.config);
  if (!common.config_from_environment.empty()) read.push_back(common.config_from_environment);
  read.emplace_back("ratebatch.yaml");
  for (const OutputPath& output : outputs) {
    auto guarded = guard(output, common, read);
    if (!guarded) return guarded;
  }
  return {};
}

}  // namespace ratebatch
