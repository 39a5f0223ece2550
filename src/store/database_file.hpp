// The files of a database as the file system sees them: resolving, making and removing them.
//
// A database that SQLite has open must never be opened here: closing such a descriptor would drop
// the locks of SQLite.
#pragma once

#include <string>

#include "ratebatch/base/result.hpp"

namespace ratebatch::store {

// The path as messages name it: escaped, and never cut.
std::string shown(const std::string& path);

// The absolute path with the symbolic links of its directory resolved; the last component stays as
// it is. Fails with not_found where the directory does not exist.
Result<std::string> resolved_database_path(const std::string& path);

// True if a regular file is there that this process may use, false if nothing is. Fails with
// foreign for a symbolic link, a directory or a device, and with io where access is denied.
Result<bool> database_file_exists(const std::string& path, bool for_writing);

// What to say (not_found) where there is no checkpoint, and how to get one.
tl::unexpected<Error> no_checkpoint(const std::string& path);

// Makes an empty file of mode 0600, whatever the umask. Fails with io, also where it exists.
Result<void> make_database_file(const std::string& path);

// Removes the database and the files SQLite keeps beside it. Precondition: no connection is open.
void remove_database_files(const std::string& path) noexcept;

}  // namespace ratebatch::store
