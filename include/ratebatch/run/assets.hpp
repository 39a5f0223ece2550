// Files that come with answers: written complete or not at all, under a name made from the job's
// id, and never outside their folder.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch {

// The file name of asset `index` (from 0) of `count` of a job: the id with everything but
// [A-Za-z0-9._-] replaced, made unique by a hash where that changed it, then "~2" (which no id
// gives) asset and so on, and the extension. At most 150 bytes, never starting with a dot or a
// dash.
std::string asset_name(std::string_view id, std::size_t index, std::size_t count,
                       std::string_view extension);

// Makes the folder if need be and sees that a file can be made in it, so that no answer is paid for
// that could not be kept. Fails with invalid_input, naming the folder and what to do.
Result<void> prepare_assets_folder(const std::string& folder);

// Writes the assets of a job below `folder` (made if missing, 0700): temporary file, fsync, rename,
// fsync of the folder; mode 0600. A file of that name is replaced: it is the same job's. Returns
// the names. Fails with disk_full or io, naming the path; then no new file is visible under a final
// name that was not complete.
Result<std::vector<std::string>> write_assets(const std::string& folder, std::string_view id,
                                              const std::vector<Asset>& assets);

}  // namespace ratebatch
