// The files that job lines name: audio to transcribe, images to look at. They lie below the folder
// of the job file; nothing outside it is ever read, whatever a line says.
#pragma once

#include <cstddef>
#include <string>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/job_content.hpp"

namespace ratebatch::run {

// Of all files of one job together. Our own choice: APIs take 20 to 25 MB (OpenAI audio 25 MB,
// Gemini inline data 20 MB), and each worker holds one request in memory.
constexpr std::size_t job_files_bytes_max = std::size_t{64} << 20U;

// The folder of the job file at this absolute path; of stdin ("-"), the current one.
std::string job_folder(const std::string& job_file);

// The bytes of the file at `path` below `folder`; symbolic links are not followed. Fails with
// invalid_input, naming the path, where it leads outside, is missing, unreadable, no ordinary file
// or longer than `bytes_max`; with io where the disk or the machine fails, and it may open later.
Result<std::string> read_job_file(const std::string& folder, const std::string& path,
                                  std::size_t bytes_max = job_files_bytes_max);

// Whether read_job_file could open it: the same failures, nothing is read.
Result<void> check_job_file(const std::string& folder, const std::string& path,
                            std::size_t bytes_max = job_files_bytes_max);

// Fills in the bytes of all files of a job. Fails as read_job_file does, or where they are more
// than job_files_bytes_max in all.
Result<void> read_job_files(const std::string& folder, std::vector<JobFile>& files);

}  // namespace ratebatch::run
