// The format of the database: tables, its marks in the file header, and the way from older formats.
//
// The CHECK constraints repeat the rules of model/job.hpp. Text of jobs and answers is stored once
// each; the mutable state of a job lives apart from it, in rows small enough to be updated fast.
#pragma once

#include <cstdint>
#include <span>

#include "ratebatch/base/result.hpp"
#include "store/sqlite.hpp"

namespace ratebatch::store {

// "RBat", in the header of the file (application_id): tells it from other SQLite databases.
constexpr std::int64_t application_id = 0x52426174;

// Step n (from 0) brings a database from format n to n + 1, format 0 being an empty file. Steps
// are never changed once released.
std::span<const char* const> migrations();

// The format of an open database: 0 where it is empty, at most `newest`. Reads only. Fails with
// foreign where it is someone else's, or of a newer format.
Result<std::int64_t> format_of(Connection& connection, const std::string& path,
                               std::int64_t newest);

// Looks at the main file alone, without leaving a trace beside it. Fails with foreign like
// format_of; a database that passes may yet fail that, for its latest changes, and even what makes
// it readable, may be in the write-ahead log.
Result<void> refuse_foreign_file(const std::string& path);

// Sets what must hold for each writing connection: write-ahead log, full sync.
Result<void> configure_writer(Connection& connection, const std::string& path);

// Brings the database to the format behind the last of `steps`. Fails like format_of.
// Precondition: a write transaction is open; nothing is changed until its commit.
Result<void> migrate(Connection& connection, const std::string& path,
                     std::span<const char* const> steps);

}  // namespace ratebatch::store
