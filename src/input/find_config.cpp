#include "ratebatch/input/find_config.hpp"

#include <filesystem>

namespace ratebatch::input {

std::optional<std::string> find_config(const std::string& explicit_path,
                                       const std::string& from_environment,
                                       const std::string& folder,
                                       const std::string& first_job_file) {
  if (!explicit_path.empty()) return explicit_path;
  if (!from_environment.empty()) return from_environment;
  constexpr const char* name = "ratebatch.yaml";
  std::error_code ignored;
  const auto here = std::filesystem::path(folder) / name;
  if (std::filesystem::exists(here, ignored)) return here.string();
  if (first_job_file.empty() || first_job_file == "-") return std::nullopt;
  const auto beside = std::filesystem::path(first_job_file).parent_path() / name;
  if (std::filesystem::exists(beside, ignored)) return beside.string();
  return std::nullopt;
}

}  // namespace ratebatch::input
