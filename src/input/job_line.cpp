#include "ratebatch/input/job_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <utility>
#include <vector>

#include "input/job_fields.hpp"
#include "input/params.hpp"
#include "input/script_line.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/json/reader.hpp"

namespace ratebatch::input {
namespace {

tl::unexpected<Error> bad_line(std::string message) {
  return fail(ErrorCode::invalid_input, std::move(message));
}

Variables read_vars(JobFields& fields, const json::Object& vars) {
  Variables out;
  std::optional<JobFields::Field> wrong;  // The first by name, whatever order the line has.
  for (const auto& [name, value] : vars) {
    std::string text(value.is_string() ? json::text_of(value) : json::plain_text(value));
    if (value.is_string() || !text.empty()) {
      out.emplace(name, std::move(text));
    } else if (!value.is_null() && (!wrong || name < wrong->name)) {
      wrong = {name, value};
    }
  }
  if (wrong) {
    fields.expected(fmt::format("vars.{}", escaped(wrong->name, 80)),
                    "a string, a number, true or false", wrong->value);
  }
  return out;
}

// Sees to it that each message has a role; `job` learns whether one of them instructs the model.
void check_messages(JobFields& fields, json::Value value, JobLine& job) {
  const auto messages = json::as<json::Array>(value);
  if (!messages) return fields.expected("messages", "an array", value);
  std::size_t index = 0;
  for (const json::Value message : *messages) {
    const auto name = [&] { return fmt::format("messages[{}]", index); };
    const auto object = json::as<json::Object>(message);
    if (!object) return fields.expected(name(), "an object", message);
    std::string_view role;
    if ((*object)["role"].get(role) != simdjson::SUCCESS) {
      return fields.refuse(fmt::format("field '{}': expected a 'role', such as \"user\"", name()));
    }
    job.size.input_bytes += content_bytes(*object);
    job.has_system_message = job.has_system_message || role == "system" || role == "developer";
    ++index;
  }
  if (index == 0) fields.refuse("field 'messages' is empty");
}

// A whole request body. The model that it names counts as the line's own; two different ones cannot
// both be meant.
void read_body(JobFields& fields, JobLine& job) {
  const auto body = fields.object("body");
  if (!body) return;
  json::Value found;
  if ((*body)["stream"].get(found) == simdjson::SUCCESS && !json::is_false(found)) {
    fields.refuse("field 'body.stream' must be false or absent: every answer is read whole");
  }
  if (!job.files.empty()) {
    fields.refuse("fields body and files stand together: a body is sent as it is");
  }
  job.body_json = fields.text("body");
  job.size = size_of_body(*body, job.body_json.size());
  if ((*body)["model"].get(found) != simdjson::SUCCESS) {
    if (job.form == JobForm::batch) fields.refuse("missing field 'body.model'");
    return;
  }
  const std::string model = fields.name_at("body.model", &found);
  if (!job.model.empty() && job.model != model) {
    fields.refuse(fmt::format("field 'model' is '{}', but body.model is '{}'",
                              escaped(job.model, 80), escaped(model, 80)));
  }
  job.model = model;
}

// A path below the job file's own folder: a job line must not be able to send any other file.
bool is_path_below(std::string_view path) {
  if (path.empty() || path.front() == '/' || has_control_byte(path)) return false;
  for (std::size_t begin = 0; begin <= path.size();) {
    const std::size_t end = std::min(path.find('/', begin), path.size());
    if (path.substr(begin, end - begin) == "..") return false;
    begin = end + 1;
  }
  return path.back() != '/';
}

void read_file(JobFields& fields, const std::string& name, json::Value value, JobLine& job) {
  if (!value.is_string()) return fields.expected(name, "a path", value);
  const std::string_view path = json::text_of(value);
  if (!is_path_below(path)) {
    return fields.refuse(
        fmt::format("field '{}': expected a path below the folder of the job file, such as "
                    "audio/call-17.mp3, found '{}'",
                    name, escaped(path, 80)));
  }
  job.files.emplace_back(path);
}

// One path, or a list of them.
void read_files(JobFields& fields, JobLine& job) {
  const json::Value* value = fields.find("files");
  if (value == nullptr) return;
  const auto paths = json::as<json::Array>(*value);
  if (!paths) return read_file(fields, "files", *value, job);
  for (const json::Value path : *paths) {
    read_file(fields, fmt::format("files[{}]", job.files.size()), path, job);
  }
  if (job.files.empty()) fields.refuse("field 'files' is empty");
}

// Fills in what the job asks with, and sees to it that it is one thing.
void read_request(JobFields& fields, JobLine& job) {
  std::vector<std::string_view> given;
  given.reserve(1);
  for (const std::string_view name : {"vars", "prompt", "messages", "body"}) {
    if (fields.has(name)) given.push_back(name);
  }
  // A file alone may be all there is to ask about: a recording to write down.
  if (given.empty() && job.files.empty()) {
    return fields.refuse(
        "nothing to ask: a job has one of the fields vars, prompt, messages, body");
  }
  if (given.size() > 1) {
    return fields.refuse(
        fmt::format("fields {} stand together: a job has only one of vars, prompt, messages, body",
                    fmt::join(given, " and ")));
  }
  if (const auto vars = fields.object("vars")) {
    job.has_vars = true;
    job.vars = read_vars(fields, *vars);
    for (const auto& [name, value] : job.vars) {
      job.size.input_bytes += static_cast<std::int64_t>(value.size());
    }
  }
  if (const json::Value* prompt = fields.find("prompt")) {
    if (!prompt->is_string()) return fields.expected("prompt", "a string", *prompt);
    job.prompt = json::text_of(*prompt);
    if (job.prompt.empty()) return fields.refuse("field 'prompt' is empty");
    job.size.input_bytes = static_cast<std::int64_t>(job.prompt.size());
  }
  if (const json::Value* messages = fields.find("messages")) {
    check_messages(fields, *messages, job);
    job.messages_json = fields.text("messages");
  }
  read_body(fields, job);
}

void read_params(JobFields& fields, JobLine& job) {
  const auto params = fields.object("params");
  if (!params) return;
  if (!job.body_json.empty()) {
    fields.refuse("fields body and params stand together: a body is sent as it is");
  }
  if (const auto problem = problem_of_params(*params)) {
    fields.refuse(fmt::format("field 'params': {}", *problem));
  }
  read_size(*params, job.size);
  job.params_json = fields.text("params");
}

void read_common(JobFields& fields, JobLine& job) {
  job.priority = fields.priority();
  if (fields.object("metadata")) job.metadata_json = fields.text("metadata");
}

void read_native(JobFields& fields, JobLine& job) {
  constexpr std::array<std::string_view, 11> names = {"id",     "type",     "model",   "vars",
                                                      "prompt", "messages", "body",    "files",
                                                      "params", "priority", "metadata"};
  fields.only(names, "");
  job.id = fields.id("id");
  job.type = fields.name("type");
  job.model = fields.name("model");
  read_files(fields, job);
  read_request(fields, job);
  read_params(fields, job);
  read_common(fields, job);
}

// A path below the provider's own host: a line must not be able to send a key elsewhere.
bool is_plain_path(std::string_view url) {
  return url.starts_with('/') && !url.starts_with("//") &&
         url.find_first_of(" ?#@\\") == std::string_view::npos &&
         url.find("..") == std::string_view::npos && !has_control_byte(url);
}

void read_batch(JobFields& fields, JobLine& job) {
  constexpr std::array<std::string_view, 6> names = {"custom_id", "method",   "url",
                                                     "body",      "priority", "metadata"};
  job.form = JobForm::batch;
  fields.only(names, " in an OpenAI Batch line");
  job.id = fields.id("custom_id");
  for (const std::string_view name : {"method", "url", "body"}) {
    if (!fields.has(name)) fields.refuse(fmt::format("missing field '{}'", name));
  }
  if (fields.name("method") != "POST") fields.refuse("field 'method': expected \"POST\"");
  job.path = fields.name("url");
  if (!is_plain_path(job.path)) {
    fields.refuse(
        fmt::format("field 'url': expected a path such as /v1/chat/completions, found '{}'",
                    escaped(job.path, 80)));
  }
  read_body(fields, job);
  read_common(fields, job);
}

}  // namespace

JobLineParser::JobLineParser() : json_parser_(std::make_unique<json::Parser>()) {}
JobLineParser::~JobLineParser() = default;

Result<JobLine> JobLineParser::parse(std::string_view line, const LineOrigin* origin) {
  if (line.size() > job_line_bytes_max) {
    return bad_line(fmt::format("the line has {} bytes; at most {} (8 MiB) are read",
                                grouped(static_cast<std::int64_t>(line.size())),
                                grouped(static_cast<std::int64_t>(job_line_bytes_max))));
  }
  tl::expected<json::Value, json::ParseError> parsed = json_parser_->parse_strict(line);
  if (!parsed) return bad_line(std::move(parsed.error().message));
  const auto object = json::as<json::Object>(*parsed);
  if (!object) {
    return bad_line(fmt::format("expected a JSON object such as {{\"id\": ...}}, found {}",
                                json::kind_of(*parsed)));
  }
  JobFields fields(*object, line, *json_parser_);
  if (origin != nullptr && is_script_line(fields)) {
    std::string text = as_batch_line(fields, *origin);
    if (fields.problem()) return bad_line(*fields.problem());
    RB_TRY(job, parse(text));
    job->form = JobForm::script;
    job->as_stored = std::move(text);
    return job;
  }
  const bool batch =
      fields.has("custom_id") || (!fields.has("id") && (fields.has("method") || fields.has("url")));
  Result<JobLine> job;
  if (batch) {
    read_batch(fields, *job);
  } else {
    read_native(fields, *job);
  }
  if (fields.problem()) return bad_line(*fields.problem());
  return job;
}

Result<JobLine> parse_job_line(std::string_view line) { return JobLineParser{}.parse(line); }

std::string canonical_job_line(std::string_view line) {
  tl::expected<Json, json::ParseError> parsed = json::parse(line);
  RB_ASSERT(parsed.has_value() && parsed->is_object());
  const auto id = parsed->find(parsed->contains("custom_id") ? "custom_id" : "id");
  RB_ASSERT(id != parsed->end());
  if (id->is_number_integer()) *id = id->dump();
  return json::canonical(*parsed);
}

bool same_job_content(std::string_view a, std::string_view b) {
  return a == b || canonical_job_line(a) == canonical_job_line(b);
}

}  // namespace ratebatch::input
