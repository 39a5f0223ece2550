#include "cli/output_guard.hpp"

#include <fmt/format.h>
#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <set>

#include "ratebatch/base/text.hpp"

namespace ratebatch::cli {
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
  const auto name_of = [&](const std::string& path) {
    return fs::weakly_canonical(fs::absolute(path, failed), failed);
  };
  const fs::path first = name_of(a);
  return !first.empty() && first == name_of(b);
}

Result<void> guard_from(const std::vector<OutputPath>& outputs,
                        const std::set<std::string>& inputs) {
  for (const OutputPath& output : outputs) {
    // A terminal, a pipe or /dev/null loses nothing.
    std::error_code ignored;
    const fs::file_status there = fs::status(output.path, ignored);
    if (fs::exists(there) && !fs::is_regular_file(there)) continue;
    for (const std::string& input : inputs) {
      if (input.empty() || input == "-" || !is_same(output.path, input)) continue;
      return refused(output, "is read by this command, or by its checkpoint; name another file");
    }
  }
  return {};
}

Result<void> check_access(const OutputPath& output, const std::string& path, int mode,
                          std::string_view what) {
  if (::access(path.c_str(), mode) == 0) return {};
  return refused(output, fmt::format("cannot write to {}: {}", what, std::strerror(errno)));
}

Result<void> check_place(const OutputPath& output) {
  const fs::path path = output.path;
  std::error_code ignored;
  if (path.filename().empty() || fs::is_directory(path, ignored)) {
    return refused(output, "is a folder; name a file");
  }
  const fs::file_status there = fs::symlink_status(path, ignored);
  if (output.appended && fs::exists(path, ignored)) {
    return check_access(output, output.path, W_OK, "it");
  }
  if (!output.appended && fs::is_symlink(there)) {
    return refused(output, "is a link, and would be replaced; name the file it leads to");
  }
  if (!output.appended && fs::exists(there) && !fs::is_regular_file(there)) {
    return refused(output,
                   "is no ordinary file, and would be replaced; leave the option out, and let "
                   "'ratebatch results' write there with | or >");
  }
  const std::string folder = path.has_parent_path() ? path.parent_path().string() : ".";
  if (fs::exists(folder, ignored) && !fs::is_directory(folder, ignored)) {
    return refused(output, escaped(folder) + " is no folder");
  }
  return check_access(output, folder, W_OK | X_OK, "its folder");
}

}  // namespace

std::vector<OutputPath> outputs_of(const RunOptions& options) {
  std::vector<OutputPath> outputs;
  if (options.output) outputs.push_back({"--output", *options.output});
  if (options.common.log_file) outputs.push_back({"--log-file", *options.common.log_file, true});
  return outputs;
}

std::vector<OutputPath> outputs_of(const ResultsOptions& options) {
  std::vector<OutputPath> outputs;
  if (options.output) outputs.push_back({"--output", *options.output});
  if (options.errors) outputs.push_back({"--errors", *options.errors});
  return outputs;
}

Result<void> guard_outputs(const std::vector<OutputPath>& outputs, const CommonOptions& common,
                           const std::vector<std::string>& inputs) {
  std::set<std::string> read{inputs.begin(), inputs.end()};
  read.insert({common.config.value_or(""), common.config_from_environment, "ratebatch.yaml"});
  for (const OutputPath& output : outputs) {
    for (const char* end : {"", "-wal", "-shm", "-journal", ".lock"}) {
      if (is_same(output.path, common.db + end)) {
        return refused(output, "is the checkpoint; name another file");
      }
    }
    for (const OutputPath* other = outputs.data(); other != &output; ++other) {
      if (is_same(output.path, other->path)) {
        return refused(output, "is the file of another option, too; name two files");
      }
    }
    RB_TRY(placed, check_place(output));
  }
  return guard_from(outputs, read);
}

Result<void> guard_config(const std::vector<OutputPath>& outputs, const FoundConfig& found) {
  std::set<std::string> read{found.path};
  for (const auto& [name, provider] : found.config.providers) {
    read.insert(provider.ca_file);
    for (const KeySource& key : provider.keys) {
      if (key.from == KeySource::From::file) read.insert(key.name);
    }
  }
  return guard_from(outputs, read);
}

Result<void> guard_stored(const std::vector<OutputPath>& outputs, store::CheckpointReader& reader) {
  RB_TRY(status, reader.status());
  RB_TRY(files, reader.job_files());
  std::set<std::string> read{files->begin(), files->end()};
  read.insert(status->stamp.config_path);
  return guard_from(outputs, read);
}

}  // namespace ratebatch::cli
