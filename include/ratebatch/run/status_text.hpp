// The text of `ratebatch status`, for people.
#pragma once

#include <string>
#include <vector>

#include "ratebatch/run/status_report.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"

namespace ratebatch::run {

// Appends ", 7 failed" to a line of counts, or nothing where the count is 0.
void add_count(std::string& text, std::int64_t count, std::string_view what);

// Several lines, the last with its newline. Foreign text in it is escaped. `command_end`: what the
// commands it names need behind them, such as " --db live.db"; may be empty.
std::string status_text(const StatusReport& report, const std::string& command_end);

// One line per failed job: where it came from, its id, the class and the server's words.
std::string failed_jobs_text(const std::vector<store::JobRow>& jobs);

}  // namespace ratebatch::run
