// The request that a job becomes, made outside of a run: to be shown, or to see that it can be
// made.
#pragma once

#include <vector>

#include "cli/watched_loader.hpp"
#include "ratebatch/base/result.hpp"
#include "ratebatch/cli/console.hpp"
#include "ratebatch/cli/options.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/http.hpp"

namespace ratebatch::cli {

// The request, with the bytes of the job's files, its key header without the key. Fails with
// invalid_input where the job cannot be expressed, or as reading a file does.
Result<HttpRequest> request_of_job(const Config& config, const SeenJob& job);

// Fails with invalid_input, one "FILE:LINE: what is wrong" each, where some of these cannot be sent
// at all; under --skip-invalid that is a warning. Jobs of models that are switched off pass, and
// those with files, which are not read for it.
Result<void> check_sendable(const Config& config, const std::vector<SeenJob>& jobs,
                            const RunOptions& options, Console& console);

}  // namespace ratebatch::cli
