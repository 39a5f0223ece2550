// Files that come with answers: written complete or not at all, under a name made from the job's
// id, and never outside their folder. Those that arrive as files do so in a folder inside it, the
// incoming folder of their checkpoint, and are moved from there.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::run {

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
// fsync of the folder; mode 0600. One with a path, which is complete and synced, is only renamed. A
// file of that name is replaced: it is the same job's. Returns the names. Fails with disk_full or
// io, naming the path and the job; then the assets are where they were, so that the same call may
// be made again, and so are the files they would have replaced, where the file system can exchange
// two files. `before`: files that the job has there already, which keep their names.
Result<std::vector<std::string>> write_assets(const std::string& folder, std::string_view id,
                                              const std::vector<Asset>& assets,
                                              std::size_t before = 0);

// Makes the incoming folder of a checkpoint (0700) below `assets`, which exists, or empties it of
// what a killed run left there. Returns its path, which is the same however the checkpoint is
// named. Fails with invalid_input where something else stands in its place: a link, a folder of
// another user; with disk_full or io otherwise. Precondition: no other run uses the checkpoint.
Result<std::string> open_incoming_folder(const std::string& assets, const std::string& checkpoint);

// Removes an incoming folder where it is empty.
void close_incoming_folder(const std::string& path);

}  // namespace ratebatch::run
