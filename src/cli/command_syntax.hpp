// The options of each command, with their checks and their help: each is written here, once.
#pragma once

#include "cli/syntax.hpp"
#include "ratebatch/cli/options.hpp"

namespace ratebatch::cli {

// Each declares what may stand behind a command, and reads it into the options, which must outlive
// the syntax.
void declare_common(Syntax& syntax, CommonOptions& options);
void declare_run(Syntax& syntax, RunOptions& options);
void declare_resume(Syntax& syntax, RunOptions& options);
void declare_status(Syntax& syntax, StatusOptions& options);
void declare_results(Syntax& syntax, ResultsOptions& options);
void declare_retry(Syntax& syntax, RetryOptions& options);
void declare_plan(Syntax& syntax, PlanOptions& options);
void declare_quota(Syntax& syntax, QuotaCommandOptions& options);
void declare_tiers(Syntax& syntax, TiersOptions& options);
void declare_check(Syntax& syntax, CheckOptions& options);
void declare_init(Syntax& syntax, InitOptions& options);
void declare_sandbox(Syntax& syntax, SandboxCommandOptions& options);

}  // namespace ratebatch::cli
