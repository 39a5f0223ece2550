// What writing a file takes on POSIX: whole writes, and errors as values.
#pragma once

#include <string>
#include <string_view>

#include "ratebatch/base/descriptor.hpp"
#include "ratebatch/base/result.hpp"

namespace ratebatch::inline base {

// Opens a new file for writing below `folder` (0600); no link is followed and nothing replaced.
// Returns none, and errno says why, if that fails.
Descriptor create_exclusively(int folder, const std::string& name);

// Writes all of it; returns 0 or the errno.
int write_all(int descriptor, std::string_view bytes);

// "cannot WHAT PATH: CAUSE", as disk_full or io.
tl::unexpected<Error> file_error(std::string_view what, const std::string& path, int code);

}  // namespace ratebatch::inline base
