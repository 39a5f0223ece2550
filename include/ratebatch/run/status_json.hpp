// The JSON lines of the program: status, quota, progress, summary, error, failed jobs.
//
// Each has schema_version and message_type. Field names are fixed; what this version does not know
// is null or 0. Text in it is raw, as JSON carries it. No line holds a newline.
#pragma once

#include <string>
#include <string_view>

#include "ratebatch/base/time.hpp"
#include "ratebatch/run/progress.hpp"
#include "ratebatch/run/run_summary.hpp"
#include "ratebatch/run/status_report.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"

namespace ratebatch::run {

std::string status_json(const StatusReport& report);
// Only what is used of the limits: the lanes of a status.
std::string quota_json(const StatusReport& report);
std::string progress_json(const Progress& progress, WallTime now);
std::string summary_json(const RunSummary& summary);
std::string error_json(std::string_view message, int exit_code);
std::string failed_job_json(const store::JobRow& job);

}  // namespace ratebatch::run
