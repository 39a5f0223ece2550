// Which configuration file a command uses.
#pragma once

#include <optional>
#include <string>
#include <string_view>

namespace ratebatch::input {

// The first of: `explicit_path` (--config), `from_environment` (RATEBATCH_CONFIG), ratebatch.yaml
// in `folder` (the working directory; empty: as seen from it), and the one beside `first_job_file`.
// Empty arguments are passed over. The first two are not looked for: a wrong one must be an error
// of whoever reads it, not a silent change of configuration.
std::optional<std::string> find_config(const std::string& explicit_path,
                                       const std::string& from_environment,
                                       const std::string& folder,
                                       const std::string& first_job_file);

}  // namespace ratebatch::input
