// Reads a checkpoint beside a run: for `status`, `results` and lists of jobs.
//
// A connection of its own that cannot write. Every read is one short transaction, so that it never
// blocks the run nor keeps its write-ahead log from being reused; what the caller does with a row
// happens between transactions. On media where nothing can be written it reads a checkpoint that
// was closed well.
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/outcome.hpp"
#include "ratebatch/store/checkpoint.hpp"
#include "ratebatch/store/counts.hpp"

namespace ratebatch::store {

class Connection;

// A process that holds the checkpoint now.
struct LiveRun {
  std::int64_t pid = 0;             // 0: not visible from here (another container).
  std::optional<WallTime> started;  // Absent: it has not begun to work yet, or is no run.
  std::int32_t workers = 0;
};

struct PastRun {
  std::int64_t pid = 0;
  WallTime started;
  std::int32_t workers = 0;
  // Absent: it died.
  std::optional<WallTime> ended;
  std::optional<std::int32_t> exit_code;
  std::string reason;
};

// A lane of the last run.
struct StoredLane {
  std::string model;
  std::string provider;
  LaneStatus status;
};

struct FailureCount {
  std::string outcome_class;  // As to_string(OutcomeClass) says.
  std::int64_t jobs = 0;
};

struct TypeTotals {
  std::string type;  // Empty: none.
  std::int64_t done = 0;
  std::int64_t failed = 0;
  double avg_input_tokens = 0;  // Over all answers ever stored; 0 without any.
  double avg_output_tokens = 0;
};

struct Latency {
  std::int64_t p50_ms = 0;
  std::int64_t p95_ms = 0;
};

// Jobs whose answer is here and paid, and whose files are not.
struct Downloads {
  std::int64_t waiting = 0;
  std::optional<WallTime> next_try;  // Absent: at once, or under way.
  std::string failure;  // Of one that failed, and most often so; as the server wrote it.
};

struct StatusData {
  CheckpointStamp stamp;
  Counts counts;
  std::int64_t changed = 0;  // Answers by other recipes than those of the last runs.
  std::vector<StoredRoute> routes;
  std::optional<LiveRun> live_run;
  std::optional<PastRun> last_run;        // The latest that is not alive.
  std::vector<StoredLane> lanes;          // In the order of the run's lanes.
  std::optional<Downloads> downloads;     // Where some wait.
  std::vector<FailureCount> failures;     // Of jobs that are failed now; most frequent first.
  std::vector<TypeTotals> types;          // By name.
  std::optional<Latency> latency;         // Of the last answers, at most recent_results_max.
  std::optional<double> jobs_per_minute;  // Finished in the recent_rate_window before the last.
  std::vector<StoredState> states;        // What the quota monitor remembers.
};

// How far back `latency` and `jobs_per_minute` look: enough for a steady p95, and read in about a
// millisecond however many results there are.
constexpr std::int64_t recent_results_max = 1000;
constexpr Duration recent_rate_window = std::chrono::minutes{5};

// A page of results ends at the first of these, so that memory stays bounded whatever the answers
// are.
constexpr std::int64_t result_page_rows_max = 1024;
constexpr std::size_t result_page_bytes_max = std::size_t{1} << 20U;

enum class ResultOrder : std::uint8_t { finishing, input };

// Some results, one line of JSON each (see run/results.hpp). A job that was put back in the queue
// keeps its answer here until the next replaces it; one that was done and then failed shows its
// failure, and keeps its older answer for the day it is accepted again.
struct ResultPage {
  std::int64_t rows = 0;
  std::int64_t cursor = 0;  // To go on behind these, in the same order.
  std::string lines;        // Each with its newline.
};

// A result with what stands around it: for forms of output other than its own line.
struct ResultRow {
  std::int64_t cursor = 0;
  JobSeq seq{};
  std::string record;            // Its line, without newline.
  std::string line_json;         // The job line.
  std::int32_t http_status = 0;  // Of its last attempt; 0: no status line came.
  std::string request_id;        // As the provider named it.
  WallTime finished_at;
};

// A job with its last attempt that ended, if one did.
struct JobRow {
  JobSeq seq{};
  std::string id;
  std::string type;
  std::string model;
  JobState state = JobState::pending;
  std::int64_t attempts = 0;
  std::string outcome_class;
  std::string message;  // As the server wrote it.
  std::int32_t http_status = 0;
  std::string file;  // Where it was loaded from.
  std::int64_t line = 0;
};

struct JobFilter {
  std::optional<JobState> state;
  std::string outcome_class;  // Of the last attempt; empty: any.
};

class CheckpointReader {
 public:
  // Fails with not_found, foreign (another kind of file, or another format than this program's) or
  // io.
  static Result<std::unique_ptr<CheckpointReader>> open(const std::string& path);
  ~CheckpointReader();
  CheckpointReader(const CheckpointReader&) = delete;
  CheckpointReader& operator=(const CheckpointReader&) = delete;

  // All of it as of one moment.
  Result<StatusData> status();

  // Calls `on_page` with the results behind `cursor` (0: from the first), page by page in order,
  // until one fails; returns that error. Each page is read in a short transaction of its own.
  // Memory is bounded by one page and one row.
  Result<void> for_each_page(ResultOrder order, std::int64_t cursor,
                             const std::function<Result<void>(const ResultPage&)>& on_page);

  // The same, result by result.
  Result<void> for_each_result(ResultOrder order, std::int64_t cursor,
                               const std::function<Result<void>(const ResultRow&)>& on_result);

  // Answers that none of these recipes made. Cheap: results are counted by recipe.
  Result<std::int64_t> results_of_others(const std::vector<Recipe>& recipes);

  // Up to `count_max` jobs that fit the filter, in the order of loading.
  Result<std::vector<JobRow>> jobs(const JobFilter& filter, std::int64_t count_max);

  // Absolute paths of the files that were loaded; "-" where it was stdin.
  Result<std::vector<std::string>> job_files();

  // The average size of the first open jobs of a route, at most recent_results_max;
  // nullopt if it has none.
  Result<std::optional<JobSize>> open_job_size(RouteId route);

  // The text of the job with this id; nullopt if there is none.
  Result<std::optional<StoredJob>> find_job(const std::string& id);

 private:
  CheckpointReader(std::string path, std::unique_ptr<Connection> connection);

  std::string path_;
  std::unique_ptr<Connection> connection_;
};

}  // namespace ratebatch::store
