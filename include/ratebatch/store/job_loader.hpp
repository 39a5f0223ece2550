// Loading jobs into a checkpoint: one transaction over one or more files, all or nothing.
//
// Part of the store's port. The one who holds the run lock loads before the run begins.
#pragma once

#include <cstdint>
#include <functional>
#include <optional>
#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/job.hpp"

namespace ratebatch::store {

// A checked job line.
struct NewJob {
  std::string id;
  std::string type;
  std::string model;  // Explicit; empty: the type's.
  std::int64_t priority = 0;
  std::string line_json;      // The line as it stands in its file, without blanks around it.
  std::string metadata_json;  // A part of that line, carried to the result; empty: none.
  std::int64_t line = 0;      // In its file, from 1.
  JobSize size{};
};

// Whether two lines of one id that differ in their text are the same job all the same.
using SameContent = std::function<bool(std::string_view stored, std::string_view given)>;

// What tells a file apart from a changed one.
struct FileStamp {
  std::string path;  // Absolute; "-" for stdin, which never counts as unchanged.
  std::int64_t inode = 0;
  std::int64_t size = 0;
  std::int64_t mtime_ns = 0;

  friend bool operator==(const FileStamp&, const FileStamp&) = default;
};

enum class AddedAs : std::uint8_t {
  added,
  same,      // The id is there with the same content.
  updated,   // The id was pending or failed, and took the new content (failed: pending again).
  kept,      // The id is done, running or otherwise settled: it keeps its old content.
  conflict,  // The id is there with other content, and updates were not asked for. Not stored.
};

struct Added {
  AddedAs as = AddedAs::added;
  std::string first_file;  // Of a conflict: where the id was loaded from.
  std::int64_t first_line = 0;
};

// Lives inside one transaction: rolled back by destruction unless committed.
class JobLoader {
 public:
  JobLoader() = default;
  JobLoader(const JobLoader&) = delete;
  JobLoader& operator=(const JobLoader&) = delete;
  virtual ~JobLoader() = default;

  // The stamp of this path as it was when it was last loaded completely, if it was.
  virtual Result<std::optional<FileStamp>> stamp_of(const std::string& path) = 0;

  // Begins a file; the jobs that follow come from it.
  virtual Result<void> begin_file(const FileStamp& stamp) = 0;

  // True if exactly this text is stored as that line of the file begun last: there is nothing to
  // add. May answer false where it is. Cheap as long as lines are asked for in order, for it goes
  // through the stored ones in step with the caller.
  virtual Result<bool> is_stored(std::int64_t line, std::string_view line_json) = 0;

  // Adds one job. With `update`, other content replaces that of a pending or failed job.
  virtual Result<Added> add(const NewJob& job, bool update) = 0;

  // Makes all of it durable, and remembers the stamps of the files.
  virtual Result<void> commit() = 0;
};

}  // namespace ratebatch::store
