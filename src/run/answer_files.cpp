#include "ratebatch/run/answer_files.hpp"

#include <unistd.h>

#include <algorithm>
#include <utility>

#include "ratebatch/run/assets.hpp"

namespace ratebatch::run {

void remove_unused(AnswerFiles& files, const HttpReply& reply, const std::vector<Asset>& assets) {
  for (const ReplyFile& file : reply.files) {
    const bool used = std::any_of(assets.begin(), assets.end(),
                                  [&](const Asset& asset) { return asset.path == file.path; });
    if (!used) files.remove(file.path);
  }
}

AssetsFolder::AssetsFolder(std::string folder, std::string checkpoint)
    : folder_(std::move(folder)), checkpoint_(std::move(checkpoint)) {}

AssetsFolder::~AssetsFolder() {
  if (!incoming_.empty()) close_incoming_folder(incoming_);
}

Result<std::string> AssetsFolder::incoming() {
  if (!incoming_.empty()) return incoming_;
  auto folder = prepare_assets_folder(folder_);
  if (!folder) return pass(folder);
  auto opened = open_incoming_folder(folder_, checkpoint_);
  if (!opened) return pass(opened);
  incoming_ = std::move(*opened);
  return incoming_;
}

Result<std::vector<std::string>> AssetsFolder::keep(std::string_view id, std::size_t before,
                                                    const std::vector<Asset>& assets) {
  auto names = write_assets(folder_, id, assets, before);
  if (!names) return pass(names);
  for (std::string& name : *names) name = folder_ + "/" + name;
  return names;
}

void AssetsFolder::remove(const std::string& path) { ::unlink(path.c_str()); }

}  // namespace ratebatch::run
