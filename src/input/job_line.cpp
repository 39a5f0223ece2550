#include "ratebatch/input/job_line.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <algorithm>
#include <limits>
#include <optional>
#include <utility>
#include <vector>

#include "input/json_text.hpp"
#include "input/params.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch {
namespace {

tl::unexpected<Error> bad_line(std::string message) {
  return fail(ErrorCode::invalid_input, std::move(message));
}

// Takes a line's fields apart and keeps the first problem; values after one mean nothing.
class Fields {
 public:
  explicit Fields(const Json& object) : object_(object) {}

  [[nodiscard]] const std::optional<std::string>& problem() const { return problem_; }

  void refuse(std::string problem) {
    if (!problem_) problem_ = std::move(problem);
  }

  // Every field has one of these names. `where` ends the message.
  void only(const std::vector<std::string>& names, std::string_view where) {
    for (const auto& [name, value] : object_.items()) {
      if (std::find(names.begin(), names.end(), name) != names.end()) continue;
      refuse(fmt::format("unknown field '{}'{}{}", escaped(name, 80), where,
                         did_you_mean(name, names)));
    }
  }

  // The field, if it is there.
  [[nodiscard]] const Json* find(std::string_view name) const {
    const auto found = object_.find(name);
    return found == object_.end() ? nullptr : &*found;
  }

  void expected(std::string_view name, std::string_view what, const Json& found) {
    refuse(fmt::format("field '{}': expected {}, found {}", name, what, json_kind(found)));
  }

  // A job's id: a string or a whole number.
  std::string id(std::string_view name) {
    const Json* value = find(name);
    if (value == nullptr) {
      refuse(fmt::format("missing field '{}'", name));
      return {};
    }
    if (value->is_number_integer()) return value->dump();
    if (!value->is_string()) {
      expected(name, "a string or a whole number", *value);
      return {};
    }
    return checked_name(name, value->get<std::string>());
  }

  // A name, or an empty string where there is none.
  std::string name(std::string_view field) { return name_at(field, find(field)); }

  std::string name_at(std::string_view field, const Json* value) {
    if (value == nullptr) return {};
    if (value->is_string()) return checked_name(field, value->get<std::string>());
    expected(field, "a string", *value);
    return {};
  }

  std::int64_t priority() {
    const Json* value = find("priority");
    if (value == nullptr) return 0;
    if (!value->is_number_integer()) {
      expected("priority", "a whole number", *value);
      return 0;
    }
    const bool fits = !value->is_number_unsigned() ||
                      value->get<std::uint64_t>() <=
                          static_cast<std::uint64_t>(std::numeric_limits<std::int64_t>::max());
    if (!fits) refuse(fmt::format("field 'priority': {} is too large", value->dump()));
    return fits ? value->get<std::int64_t>() : 0;
  }

  // An object, or nullptr where there is none.
  const Json* object(std::string_view name) {
    const Json* value = find(name);
    if (value == nullptr || value->is_object()) return value;
    expected(name, "an object", *value);
    return nullptr;
  }

 private:
  std::string checked_name(std::string_view field, std::string value) {
    if (value.empty()) refuse(fmt::format("field '{}' is empty", field));
    if (value.size() > job_id_bytes_max) {
      refuse(fmt::format("field '{}' has {} bytes; at most {} are allowed", field,
                         grouped(static_cast<std::int64_t>(value.size())), job_id_bytes_max));
    }
    if (has_control_byte(value)) {
      refuse(fmt::format("field '{}' holds a control character: '{}'", field, escaped(value, 80)));
    }
    return value;
  }

  const Json& object_;
  std::optional<std::string> problem_;
};

Variables read_vars(Fields& fields, const Json& vars) {
  Variables out;
  for (const auto& [name, value] : vars.items()) {
    if (value.is_string()) {
      out.emplace(name, value.get<std::string>());
    } else if (value.is_number() || value.is_boolean()) {
      out.emplace(name, value.dump());
    } else if (!value.is_null()) {
      fields.expected(fmt::format("vars.{}", escaped(name, 80)),
                      "a string, a number, true or false", value);
    }
  }
  return out;
}

void check_messages(Fields& fields, const Json& messages) {
  if (!messages.is_array()) return fields.expected("messages", "an array", messages);
  if (messages.empty()) return fields.refuse("field 'messages' is empty");
  std::size_t index = 0;
  for (const Json& message : messages) {
    const std::string name = fmt::format("messages[{}]", index++);
    if (!message.is_object()) return fields.expected(name, "an object", message);
    const auto role = message.find("role");
    if (role == message.end() || !role->is_string()) {
      return fields.refuse(fmt::format("field '{}': expected a 'role', such as \"user\"", name));
    }
  }
}

void check_stream(Fields& fields, const Json& body) {
  const auto stream = body.find("stream");
  if (stream == body.end() || *stream == false) return;
  fields.refuse("field 'body.stream' must be false or absent: every answer is read whole");
}

// Fills in what the job asks with, and sees to it that it is one thing.
void read_request(Fields& fields, JobLine& job) {
  std::vector<std::string_view> given;
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
  if (const Json* vars = fields.object("vars")) {
    job.has_vars = true;
    job.vars = read_vars(fields, *vars);
  }
  if (const Json* prompt = fields.find("prompt")) {
    if (!prompt->is_string()) return fields.expected("prompt", "a string", *prompt);
    job.prompt = prompt->get<std::string>();
    if (job.prompt.empty()) return fields.refuse("field 'prompt' is empty");
  }
  if (const Json* messages = fields.find("messages")) {
    check_messages(fields, *messages);
    job.messages_json = canonical_json(*messages);
  }
  if (const Json* body = fields.object("body")) {
    check_stream(fields, *body);
    job.body_json = canonical_json(*body);
  }
}

void read_params(Fields& fields, JobLine& job) {
  const Json* params = fields.object("params");
  if (params == nullptr) return;
  if (!job.body_json.empty()) {
    fields.refuse("fields body and params stand together: a body is sent as it is");
  }
  if (const auto problem = problem_of_params(*params)) {
    fields.refuse(fmt::format("field 'params': {}", *problem));
  }
  job.params_json = canonical_json(*params);
}

void read_common(Fields& fields, JobLine& job) {
  job.priority = fields.priority();
  if (const Json* metadata = fields.object("metadata")) {
    job.metadata_json = canonical_json(*metadata);
  }
}

// The model that a body names counts as the line's own; two different ones cannot both be meant.
void read_body_model(Fields& fields, JobLine& job) {
  const Json* body = fields.object("body");
  if (body == nullptr) return;
  const auto found = body->find("model");
  if (found == body->end()) return;
  const std::string model = fields.name_at("body.model", &*found);
  if (!job.model.empty() && job.model != model) {
    fields.refuse(fmt::format("field 'model' is '{}', but body.model is '{}'",
                              escaped(job.model, 80), escaped(model, 80)));
  }
  job.model = model;
}

JobLine read_native(Fields& fields) {
  JobLine job;
  fields.only({"id", "type", "model", "vars", "prompt", "messages", "body", "files", "params",
               "priority", "metadata"},
              "");
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
  JobLine job;
  job.form = JobForm::batch;
  fields.only({"custom_id", "method", "url", "body", "priority", "metadata"},
              " in an OpenAI Batch line");
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
  if (const Json* body = fields.object("body")) {
    check_stream(fields, *body);
    if (!body->contains("model")) fields.refuse("missing field 'body.model'");
    job.body_json = canonical_json(*body);
  }
  read_body_model(fields, job);
  read_common(fields, job);
  return job;
}

}  // namespace

Result<JobLine> parse_job_line(std::string_view line) {
  if (line.size() > job_line_bytes_max) {
    return bad_line(fmt::format("the line has {} bytes; at most {} (8 MiB) are read",
                                grouped(static_cast<std::int64_t>(line.size())),
                                grouped(static_cast<std::int64_t>(job_line_bytes_max))));
  }
  tl::expected<Json, JsonError> parsed = parse_json(line);
  if (!parsed) return bad_line(std::move(parsed.error().message));
  if (!parsed->is_object()) {
    return bad_line(fmt::format("expected a JSON object such as {{\"id\": ...}}, found {}",
                                json_kind(*parsed)));
  }
  Fields fields(*parsed);
  const bool batch = fields.find("custom_id") != nullptr ||
                     (fields.find("id") == nullptr &&
                      (fields.find("method") != nullptr || fields.find("url") != nullptr));
  JobLine job = batch ? read_batch(fields) : read_native(fields);
  if (fields.problem()) return bad_line(*fields.problem());
  (*parsed)[batch ? "custom_id" : "id"] = job.id;
  job.canonical = canonical_json(*parsed);
  return job;
}

}  // namespace ratebatch
