// The column `results.files`: paths as a JSON array. SQLite's json_each reads it back.
#pragma once

#include <string>
#include <vector>

namespace ratebatch {

// ["a.png","b.png"]; empty for no files.
std::string file_list_json(const std::vector<std::string>& files);

}  // namespace ratebatch
