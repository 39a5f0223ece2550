// Loading job files into the checkpoint: every line is read, checked and stored, or nothing is.
#pragma once

#include <array>
#include <cstdint>
#include <functional>
#include <string>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/input/csv_file.hpp"
#include "ratebatch/input/job_line.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/store/job_loader.hpp"

namespace ratebatch::run {

// How many bad lines a message shows; all are counted.
constexpr std::size_t line_errors_shown_max = 20;

// Whether a job, from the file of this absolute path ("-": standard input), is right in a way that
// its line and the configuration do not show. Fails with what is wrong.
using JobCheck = std::function<Result<void>(const input::JobLine& job, const std::string& file)>;

struct LoadOptions {
  bool skip_invalid = false;  // Bad lines go to FILE.rejects.jsonl (of a CSV file with its header
                              // to FILE.rejects.csv); the rest is loaded.
  bool update = false;        // Changed content of jobs that are not done is taken.
  input::CsvColumns csv{};    // Of the files among them that are CSV.
  JobCheck also_check{};      // Beside what is always checked; absent: nothing.
};

struct LoadReport {
  std::int64_t added = 0;
  std::int64_t same = 0;
  std::int64_t updated = 0;
  std::int64_t kept = 0;      // Settled jobs whose line has changed: they keep what they have.
  std::int64_t rejected = 0;  // Under skip_invalid.
  std::int64_t files_unchanged = 0;  // Not read again.
  // By JobForm: the lines that were taken, apart from those found stored already.
  std::array<std::int64_t, input::job_form_count> forms{};
  // For the user: torn lines, the first rejects and where they are.
  std::vector<std::string> notes;
};

// Loads `files` ("-" is standard input, *.csv are CSV files) in one transaction and commits it.
// Fails with invalid_input, one "FILE:LINE: what is wrong" per bad line (the first
// line_errors_shown_max of them, then how many more), and stores nothing; other errors as the files
// and the store give them.
Result<LoadReport> load_files(store::JobLoader& loader, const Config& config,
                              const std::vector<std::string>& files, const LoadOptions& options);

}  // namespace ratebatch::run
