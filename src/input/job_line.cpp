#include "ratebatch/input/job_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <array>
#include <optional>
#include <span>
#include <utility>
#include <vector>

#include "input/job_size.hpp"
#include "input/json_document.hpp"
#include "input/params.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch {
namespace {

tl::unexpected<Error> bad_line(std::string message) {
  return fail(ErrorCode::invalid_input, std::move(message));
}

// Takes a line's fields apart and keeps the first problem; values after one mean nothing.
class Fields {
 public:
  struct Field {
    std::string_view name;
    JsonValue value;
  };

  // `line` is the text of `object`.
  Fields(const JsonObject& object, std::string_view line) : line_(line) {
    constexpr std::size_t common_count = 12;
    fields_.reserve(common_count);
    for (const auto& [name, value] : object) fields_.push_back({name, value});
  }

  [[nodiscard]] const std::optional<std::string>& problem() const { return problem_; }

  void refuse(std::string problem) {
    if (!problem_) problem_ = std::move(problem);
  }

  // Every field has one of these names. `where` ends the message.
  void only(std::span<const std::string_view> names, std::string_view where) {
    const Field* unknown = nullptr;  // The first by name, whatever order the line has.
    for (const Field& field : fields_) {
      if (std::find(names.begin(), names.end(), field.name) != names.end()) continue;
      if (unknown == nullptr || field.name < unknown->name) unknown = &field;
    }
    if (unknown == nullptr) return;
    refuse(fmt::format("unknown field '{}'{}{}", escaped(unknown->name, 80), where,
                       did_you_mean(unknown->name, {names.begin(), names.end()})));
  }

  // The field, if it is there.
  [[nodiscard]] const JsonValue* find(std::string_view name) const {
    const auto found = std::find_if(fields_.begin(), fields_.end(),
                                    [&](const Field& field) { return field.name == name; });
    return found == fields_.end() ? nullptr : &found->value;
  }

  // The JSON text of a field that is there.
  [[nodiscard]] std::string text(std::string_view name) const {
    const auto found = std::find_if(fields_.begin(), fields_.end(),
                                    [&](const Field& field) { return field.name == name; });
    const auto index = static_cast<std::size_t>(found - fields_.begin());
    return std::string(value_texts(line_).at(index));
  }

  void expected(std::string_view name, std::string_view what, JsonValue found) {
    refuse(fmt::format("field '{}': expected {}, found {}", name, what, json_kind(found)));
  }

  // A job's id: a string or a whole number.
  std::string id(std::string_view name) {
    const JsonValue* value = find(name);
    if (value == nullptr) {
      refuse(fmt::format("missing field '{}'", name));
      return {};
    }
    if (is_string(*value)) return checked_name(name, string_in(*value));
    std::string number = whole_number_text(*value);
    if (number.empty()) expected(name, "a string or a whole number", *value);
    return number;
  }

  // A name, or an empty string where there is none.
  std::string name(std::string_view field) { return name_at(field, find(field)); }

  std::string name_at(std::string_view field, const JsonValue* value) {
    if (value == nullptr) return {};
    if (is_string(*value)) return checked_name(field, string_in(*value));
    expected(field, "a string", *value);
    return {};
  }

  std::int64_t priority() {
    const JsonValue* value = find("priority");
    if (value == nullptr) return 0;
    std::int64_t number = 0;
    if (value->get(number) == simdjson::SUCCESS) return number;
    const std::string text = whole_number_text(*value);
    if (text.empty()) {
      expected("priority", "a whole number", *value);
    } else {
      refuse(fmt::format("field 'priority': {} is too large", text));
    }
    return 0;
  }

  // An object, or nothing.
  std::optional<JsonObject> object(std::string_view name) {
    const JsonValue* value = find(name);
    JsonObject object;
    if (value == nullptr) return std::nullopt;
    if (value->get(object) == simdjson::SUCCESS) return object;
    expected(name, "an object", *value);
    return std::nullopt;
  }

 private:
  std::string checked_name(std::string_view field, std::string_view value) {
    if (value.empty()) refuse(fmt::format("field '{}' is empty", field));
    if (value.size() > job_id_bytes_max) {
      refuse(fmt::format("field '{}' has {} bytes; at most {} are allowed", field,
                         grouped(static_cast<std::int64_t>(value.size())), job_id_bytes_max));
    }
    if (has_control_byte(value)) {
      refuse(fmt::format("field '{}' holds a control character: '{}'", field, escaped(value, 80)));
    }
    return std::string(value);
  }

  std::string_view line_;
  std::vector<Field> fields_;
  std::optional<std::string> problem_;
};

Variables read_vars(Fields& fields, const JsonObject& vars) {
  Variables out;
  std::optional<Fields::Field> wrong;  // The first by name, whatever order the line has.
  for (const auto& [name, value] : vars) {
    std::string text(is_string(value) ? string_in(value) : plain_text(value));
    if (is_string(value) || !text.empty()) {
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
void check_messages(Fields& fields, JsonValue value, JobLine& job) {
  JsonArray messages;
  if (value.get(messages) != simdjson::SUCCESS) {
    return fields.expected("messages", "an array", value);
  }
  std::size_t index = 0;
  for (const JsonValue message : messages) {
    const std::size_t at = index++;
    const auto name = [&] { return fmt::format("messages[{}]", at); };
    JsonObject object;
    if (message.get(object) != simdjson::SUCCESS) {
      return fields.expected(name(), "an object", message);
    }
    std::string_view role;
    if (object["role"].get(role) != simdjson::SUCCESS) {
      return fields.refuse(fmt::format("field '{}': expected a 'role', such as \"user\"", name()));
    }
    job.size.input_bytes += content_bytes(object);
    job.has_system_message = job.has_system_message || role == "system" || role == "developer";
  }
  if (index == 0) fields.refuse("field 'messages' is empty");
}

void check_stream(Fields& fields, const JsonObject& body) {
  JsonValue stream;
  if (body["stream"].get(stream) != simdjson::SUCCESS || is_false(stream)) return;
  fields.refuse("field 'body.stream' must be false or absent: every answer is read whole");
}

// Fills in what the job asks with, and sees to it that it is one thing.
void read_request(Fields& fields, JobLine& job) {
  std::vector<std::string_view> given;
  given.reserve(1);
  for (const std::string_view name : {"vars", "prompt", "messages", "body"}) {
    if (fields.find(name) != nullptr) given.push_back(name);
  }
  if (given.empty()) {
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
  if (const JsonValue* prompt = fields.find("prompt")) {
    if (!is_string(*prompt)) return fields.expected("prompt", "a string", *prompt);
    job.prompt = string_in(*prompt);
    if (job.prompt.empty()) return fields.refuse("field 'prompt' is empty");
    job.size.input_bytes = static_cast<std::int64_t>(job.prompt.size());
  }
  if (const JsonValue* messages = fields.find("messages")) {
    check_messages(fields, *messages, job);
    job.messages_json = fields.text("messages");
  }
  if (const auto body = fields.object("body")) {
    check_stream(fields, *body);
    job.body_json = fields.text("body");
    job.size = size_of_body(*body, job.body_json.size());
  }
}

void read_params(Fields& fields, JobLine& job) {
  const auto params = fields.object("params");
  if (!params) return;
  if (!job.body_json.empty()) {
    fields.refuse("fields body and params stand together: a body is sent as it is");
  }
  const auto look_up = [&](std::string_view name) {
    JsonValue value;
    if ((*params)[name].get(value) != simdjson::SUCCESS) return ParamValue::absent;
    return is_false(value) ? ParamValue::is_false : ParamValue::other;
  };
  if (const auto problem = problem_of_params(look_up)) {
    fields.refuse(fmt::format("field 'params': {}", *problem));
  }
  read_size(*params, job.size);
  job.params_json = fields.text("params");
}

void read_common(Fields& fields, JobLine& job) {
  job.priority = fields.priority();
  if (fields.object("metadata")) job.metadata_json = fields.text("metadata");
}

// The model that a body names counts as the line's own; two different ones cannot both be meant.
void read_body_model(Fields& fields, JobLine& job) {
  const auto body = fields.object("body");
  JsonValue found;
  if (!body || (*body)["model"].get(found) != simdjson::SUCCESS) return;
  const std::string model = fields.name_at("body.model", &found);
  if (!job.model.empty() && job.model != model) {
    fields.refuse(fmt::format("field 'model' is '{}', but body.model is '{}'",
                              escaped(job.model, 80), escaped(model, 80)));
  }
  job.model = model;
}

JobLine read_native(Fields& fields) {
  constexpr std::array<std::string_view, 11> names = {"id",     "type",     "model",   "vars",
                                                      "prompt", "messages", "body",    "files",
                                                      "params", "priority", "metadata"};
  JobLine job;
  fields.only(names, "");
  job.id = fields.id("id");
  if (fields.find("files") != nullptr) {
    fields.refuse("field 'files': files are not supported by this version");
  }
  job.type = fields.name("type");
  job.model = fields.name("model");
  read_request(fields, job);
  read_body_model(fields, job);
  read_params(fields, job);
  read_common(fields, job);
  return job;
}

// A path below the provider's own host: a line must not be able to send a key elsewhere.
bool is_plain_path(std::string_view url) {
  return url.starts_with('/') && !url.starts_with("//") &&
         url.find_first_of(" ?#@\\") == std::string_view::npos &&
         url.find("..") == std::string_view::npos && !has_control_byte(url);
}

JobLine read_batch(Fields& fields) {
  constexpr std::array<std::string_view, 6> names = {"custom_id", "method",   "url",
                                                     "body",      "priority", "metadata"};
  JobLine job;
  job.form = JobForm::batch;
  fields.only(names, " in an OpenAI Batch line");
  job.id = fields.id("custom_id");
  for (const std::string_view name : {"method", "url", "body"}) {
    if (fields.find(name) == nullptr) fields.refuse(fmt::format("missing field '{}'", name));
  }
  if (fields.name("method") != "POST") fields.refuse("field 'method': expected \"POST\"");
  job.path = fields.name("url");
  if (!is_plain_path(job.path)) {
    fields.refuse(
        fmt::format("field 'url': expected a path such as /v1/chat/completions, found '{}'",
                    escaped(job.path, 80)));
  }
  if (const auto body = fields.object("body")) {
    check_stream(fields, *body);
    if ((*body)["model"].error() != simdjson::SUCCESS) {
      fields.refuse("missing field 'body.model'");
    }
    job.body_json = fields.text("body");
    job.size = size_of_body(*body, job.body_json.size());
  }
  read_body_model(fields, job);
  read_common(fields, job);
  return job;
}

}  // namespace

JobLineParser::JobLineParser() : document_(std::make_unique<JsonDocument>()) {}
JobLineParser::JobLineParser(JobLineParser&&) noexcept = default;
JobLineParser& JobLineParser::operator=(JobLineParser&&) noexcept = default;
JobLineParser::~JobLineParser() = default;

Result<JobLine> JobLineParser::parse(std::string_view line) {
  if (line.size() > job_line_bytes_max) {
    return bad_line(fmt::format("the line has {} bytes; at most {} (8 MiB) are read",
                                grouped(static_cast<std::int64_t>(line.size())),
                                grouped(static_cast<std::int64_t>(job_line_bytes_max))));
  }
  tl::expected<JsonValue, JsonError> parsed = document_->parse(line);
  if (!parsed) return bad_line(std::move(parsed.error().message));
  JsonObject object;
  if (parsed->get(object) != simdjson::SUCCESS) {
    return bad_line(fmt::format("expected a JSON object such as {{\"id\": ...}}, found {}",
                                json_kind(*parsed)));
  }
  Fields fields(object, line);
  const bool batch = fields.find("custom_id") != nullptr ||
                     (fields.find("id") == nullptr &&
                      (fields.find("method") != nullptr || fields.find("url") != nullptr));
  JobLine job = batch ? read_batch(fields) : read_native(fields);
  if (fields.problem()) return bad_line(*fields.problem());
  return job;
}

Result<JobLine> parse_job_line(std::string_view line) { return JobLineParser{}.parse(line); }

std::string canonical_job_line(std::string_view line) {
  tl::expected<Json, JsonError> parsed = parse_json(line);
  RB_ASSERT(parsed.has_value() && parsed->is_object());
  const auto id = parsed->find(parsed->contains("custom_id") ? "custom_id" : "id");
  RB_ASSERT(id != parsed->end());
  if (id->is_number_integer()) *id = id->dump();
  return canonical_json(*parsed);
}

bool same_job_content(std::string_view a, std::string_view b) {
  return a == b || canonical_job_line(a) == canonical_job_line(b);
}

}  // namespace ratebatch
