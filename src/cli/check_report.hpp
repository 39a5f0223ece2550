// What `check` found, and its text.
#pragma once

#include <array>
#include <cstdint>
#include <set>
#include <string>
#include <vector>

#include "ratebatch/input/job_line.hpp"
#include "ratebatch/model/config.hpp"

namespace ratebatch::cli {

struct CheckedKey {
  std::string name;
  std::string problem;  // Empty: the key is there.
};

struct CheckedLane {
  ModelSettings model;
  ProviderSettings provider;
  std::vector<CheckedKey> keys;
  std::set<std::string> requests;  // "POST https://...": where its jobs in the files go.

  [[nodiscard]] bool has_key() const;
};

struct CheckReport {
  std::string config_path;  // Empty: the built-in one.
  std::vector<std::string> files;
  std::int64_t jobs = 0;                                    // In the files.
  std::array<std::int64_t, input::job_form_count> forms{};  // Their lines, by JobForm.
  std::vector<std::string> notes;
  std::vector<CheckedLane> lanes;
};

std::string check_text(const CheckReport& report);
std::string check_json(const CheckReport& report);

}  // namespace ratebatch::cli
