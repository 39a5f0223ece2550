// What `check` found, and its text.
#pragma once

#include <set>
#include <string>
#include <vector>

#include "ratebatch/model/config.hpp"
#include "ratebatch/run/load.hpp"

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
  bool has_key = false;            // One that can be read.
};

struct CheckReport {
  std::string config_path;  // Empty: the built-in one.
  std::vector<std::string> files;
  run::LoadReport loaded;  // From the files.
  std::vector<CheckedLane> lanes;
};

std::string check_text(const CheckReport& report);
std::string check_json(const CheckReport& report);

}  // namespace ratebatch::cli
