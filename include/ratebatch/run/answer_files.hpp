// Where the files of answers go: the port between the driver and the disk, and the assets folder
// behind it.
//
// Files are written complete or not at all, under a name made from the job's id, and never outside
// their folder. Those that arrive as files do so in a folder inside it, the incoming folder of
// their checkpoint, and are moved from there.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

#include "ratebatch/base/port.hpp"
#include "ratebatch/base/result.hpp"
#include "ratebatch/model/http.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::run {

class AnswerFiles : public Port {
 public:
  // The folder that parts of replies are written to as they arrive (see ReplyFiles); made by the
  // first call. Fails where it cannot be had: then replies stay in memory.
  virtual Result<std::string> incoming() = 0;

  // Puts files of a job into their place, behind `before` that it has there. Returns their names as
  // the user sees them. Fails with disk_full, and the same call may be made again, or with io.
  virtual Result<std::vector<std::string>> keep(std::string_view id, std::size_t before,
                                                const std::vector<Asset>& assets) = 0;

  // Removes a part of a reply that nobody wants.
  virtual void remove(const std::string& path) = 0;
};

// Removes the files of a reply that none of these assets is.
void remove_unused(AnswerFiles& files, const HttpReply& reply, const std::vector<Asset>& assets);

// The assets folder of a run. Its incoming folder goes with the object, if it is empty.
class AssetsFolder final : public AnswerFiles {
 public:
  // `checkpoint`: the path of the database that this run holds.
  AssetsFolder(std::string folder, std::string checkpoint)
      : folder_(std::move(folder)), checkpoint_(std::move(checkpoint)) {}
  ~AssetsFolder() override;

  Result<std::string> incoming() override;
  Result<std::vector<std::string>> keep(std::string_view id, std::size_t before,
                                        const std::vector<Asset>& assets) override;
  void remove(const std::string& path) override;

 private:
  std::string folder_;
  std::string checkpoint_;
  std::string incoming_;  // Empty: not made yet.
};

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
