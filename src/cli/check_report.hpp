// What `check` found, and its text.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "ratebatch/model/config.hpp"
#include "ratebatch/model/http.hpp"

namespace ratebatch {

struct CheckedKey {
  std::string name;
  std::string problem;  // Empty: the key is there.
};

struct CheckedLane {
  ModelSettings model;
  ProviderSettings provider;
  std::vector<CheckedKey> keys;

  [[nodiscard]] bool has_key() const;
};

struct CheckReport {
  std::string config_path;  // Empty: the built-in one.
  std::vector<std::string> files;
  std::int64_t jobs = 0;  // In the files.
  std::vector<std::string> notes;
  std::vector<CheckedLane> lanes;
};

std::string check_text(const CheckReport& report);
std::string check_json(const CheckReport& report);

// A request as it would be sent, the key named and not shown: for people, and as one JSON line.
std::string request_text(const HttpRequest& request, const std::string& key_name);
std::string request_json(const std::string& id, const HttpRequest& request,
                         const std::string& key_name);

}  // namespace ratebatch
