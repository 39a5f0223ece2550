// What writing a file durably takes on POSIX, shared by assets and output files.
#pragma once

#include <string>
#include <string_view>

#include "ratebatch/base/descriptor.hpp"
#include "ratebatch/base/result.hpp"

namespace ratebatch::run {

// Opens a new file for writing below `folder` (0600, nothing followed, nothing replaced).
Descriptor create_exclusively(int folder, const std::string& name);

// Writes all of it; returns 0 or the errno.
int write_all(int fd, std::string_view bytes);

// "cannot WHAT PATH: CAUSE", as disk_full or io.
tl::unexpected<Error> file_error(std::string_view what, const std::string& path, int code);

}  // namespace ratebatch::run
