// The request that a job becomes, made outside of a run: to see that it can be made, or to be shown
// as it would be sent, with the key named and not shown and files by their size.
#pragma once

#include <string>
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

// A request for people, as it goes over the wire; JSON is indented.
std::string request_text(const HttpRequest& request, const std::string& key_name);

// A request as one JSON line. The body is its JSON, or a list of its parts, or its text.
std::string request_json(const std::string& id, const HttpRequest& request,
                         const std::string& key_name);

}  // namespace ratebatch::cli
