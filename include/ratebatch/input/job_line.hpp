// One line of a job file: read, and checked against the configuration.
//
// Three forms, recognised per line: our own, a line of an OpenAI Batch input file, and a bare
// request body. Messages say what is wrong with the line; the caller adds file and line number (see
// LineError in job_file.hpp).
#pragma once

#include <cstdint>
#include <functional>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/base/template_text.hpp"
#include "ratebatch/json/json_fwd.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/job.hpp"

namespace ratebatch::input {

// 8 MiB without the line end. The spec's number (section 4); a longer line is most often a file
// without line ends.
constexpr std::size_t job_line_bytes_max = 8'388'608;

// Of an id, a type and a model, in UTF-8. The spec's number for ids (section 4).
constexpr std::size_t job_id_bytes_max = 256;

enum class JobForm : std::uint8_t {
  native,
  batch,   // A line of an OpenAI Batch input file; vLLM's run-batch takes the same.
  script,  // A bare request body, as the parallel request script of the OpenAI cookbook takes it.
  csv,     // A row of a CSV file, which reads as a native line (see csv_file.hpp).
};
constexpr std::size_t job_form_count = 4;

// What a model of this name makes.
using KindOfModel = std::function<ModelKind(std::string_view model)>;

// Where a line is from: what a bare request body lacks comes from there.
struct LineOrigin {
  std::string file;       // Its name, without folder and ending; "stdin".
  std::int64_t line = 0;  // From 1.
  KindOfModel kind_of;    // Absent: as the names of models tell.
};

// JSON appears as it stands in the line. Of vars, prompt, messages_json and body_json one is given
// (has_vars says so for vars, which may be empty); none where files stand alone.
struct JobLine {
  std::string id;
  std::string type;   // Empty: none.
  std::string model;  // As the line says it, also inside a body; empty: the type's.
  std::int64_t priority = 0;
  JobForm form = JobForm::native;
  bool has_vars = false;
  bool has_system_message = false;  // Among the messages is one of role system or developer.
  Variables vars;                   // Numbers and booleans as their JSON text; null is left out.
  std::string prompt;               // Not empty where given.
  std::string messages_json;        // An array of objects, not empty.
  std::string body_json;            // An object.
  std::string path;                 // Of the batch form: "/v1/chat/completions".
  std::vector<std::string> files;   // Relative paths that lead nowhere but down. Never with a body.
  std::string params_json = "{}";
  std::string metadata_json;  // An object; empty: none.
  JobSize size;               // Of what the line itself sends; see RouteEstimate for the rest.
  std::string as_stored;      // Of a script's request: the same as a Batch line, which needs no
                              // origin. Else empty: the line is stored as it is.
};

// Reads lines, and keeps its memory from one to the next.
class JobLineParser {
 public:
  JobLineParser();
  JobLineParser(const JobLineParser&) = delete;
  JobLineParser& operator=(const JobLineParser&) = delete;
  ~JobLineParser();

  // Reads one line, without its line end. With an origin it takes a bare request body too, whose id
  // is made of the origin. Fails with invalid_input and the first thing that is wrong; what a line
  // alone cannot show (an unknown type, a missing variable) is left to JobChecker.
  Result<JobLine> parse(std::string_view line, const LineOrigin* origin = nullptr);

  // For parts of a line that was read.
  json::Parser& json_parser() { return *json_parser_; }

 private:
  std::unique_ptr<json::Parser> json_parser_;
};

// The same for one line alone; for many it is slower.
Result<JobLine> parse_job_line(std::string_view line);

// The canonical JSON of a line: sorted names, no spaces, the id as a string. Lines of equal text
// are the same job. Slow. Precondition: JobLineParser reads the line.
std::string canonical_job_line(std::string_view line);

// True if both lines are the same job: their canonical JSON is equal. Precondition: as above.
bool same_job_content(std::string_view a, std::string_view b);

}  // namespace ratebatch::input
