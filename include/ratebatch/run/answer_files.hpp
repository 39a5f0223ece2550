// Where the files of answers go: the port between the driver and the disk.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/http.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::run {

class AnswerFiles {
 public:
  AnswerFiles() = default;
  AnswerFiles(const AnswerFiles&) = delete;
  AnswerFiles& operator=(const AnswerFiles&) = delete;
  virtual ~AnswerFiles() = default;

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
  AssetsFolder(std::string folder, std::string checkpoint);
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

}  // namespace ratebatch::run
