// The request that a job becomes, made outside of a run: to be shown, or to see that it can be
// made.
#pragma once

#include <string>

#include "cli/checking_loader.hpp"
#include "ratebatch/base/result.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/http.hpp"

namespace ratebatch {

enum class JobFilesRule : std::uint8_t {
  read,   // The files of the job are read; a missing one is a failure.
  blank,  // They are left empty: only the rest is judged.
};

// The request, its key header without the key. Fails with invalid_input where the job cannot be
// expressed, or as reading a file does.
Result<HttpRequest> request_of_job(const Config& config, const SeenJob& job, JobFilesRule files);

// Fails with invalid_input, naming the job, where one of these cannot be sent at all. Models that
// are switched off, and jobs whose files decide, pass.
Result<void> check_sendable(const Config& config, const std::vector<SeenJob>& jobs);

}  // namespace ratebatch
