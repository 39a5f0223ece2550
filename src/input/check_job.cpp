#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <vector>

#include "input/job_texts.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/job_line.hpp"

namespace ratebatch {
namespace {

tl::unexpected<Error> bad_job(std::string message) {
  return fail(ErrorCode::invalid_input, std::move(message));
}

struct Path {
  std::string_view path;
  ModelKind kind;
};

// The endpoints this version can ask. The same path without /v1 is meant for a base_url with it.
constexpr std::array<Path, 4> known_paths = {{{"/v1/chat/completions", ModelKind::chat},
                                              {"/chat/completions", ModelKind::chat},
                                              {"/v1/images/generations", ModelKind::image},
                                              {"/images/generations", ModelKind::image}}};

std::string_view noun(ModelKind kind) {
  switch (kind) {
    case ModelKind::chat:
      return "a chat model";
    case ModelKind::image:
      return "an image model";
  }
  return {};
}

Result<void> check_path(const JobLine& job, const ModelSettings& model) {
  for (const Path& known : known_paths) {
    if (job.path != known.path) continue;
    if (known.kind == model.kind) return {};
    return bad_job(fmt::format("url '{}' needs {}, but '{}' is {}", job.path, noun(known.kind),
                               escaped(model.name, 80), noun(model.kind)));
  }
  return bad_job(
      fmt::format("url '{}' is not supported by this version; expected "
                  "/v1/chat/completions or /v1/images/generations",
                  escaped(job.path, 80)));
}

// Every variable that the template needs and the line has not, with the name that was perhaps
// meant.
Result<void> check_variables(const JobLine& job, std::string_view text, std::string_view what) {
  auto parsed = TextTemplate::parse(text);
  if (!parsed) return pass(parsed);
  const std::vector<std::string> missing = parsed->missing(job.vars);
  if (missing.empty()) return {};
  std::vector<std::string> given;
  for (const auto& [name, value] : job.vars) given.push_back(name);
  const auto near = nearest_name(missing.front(), given);
  return bad_job(fmt::format(
      "missing variable{} '{}' in the {} of type '{}'{}", missing.size() == 1 ? "" : "s",
      escaped(fmt::format("{}", fmt::join(missing, "', '"))), what, escaped(job.type, 80),
      near ? fmt::format("; the line has '{}'", escaped(*near, 80)) : ""));
}

Result<void> check_templates(const JobLine& job, const TypeSettings& type) {
  if (job.has_vars) {
    if (type.prompt.empty()) {
      return bad_job(fmt::format("vars need a prompt template, and type '{}' has none",
                                 escaped(job.type, 80)));
    }
    if (auto checked = check_variables(job, type.prompt, "prompt"); !checked) return checked;
  }
  if (!takes_system_text(job)) return {};
  return check_variables(job, type.system, "system text");
}

}  // namespace

Result<void> check_job(const JobLine& job, const Config& config) {
  if (!job.type.empty()) {
    const auto type = config.types.find(job.type);
    if (type == config.types.end()) {
      std::vector<std::string> names;
      for (const auto& [name, settings] : config.types) names.push_back(name);
      return bad_job(fmt::format(
          "unknown type '{}'{}", escaped(job.type, 80),
          names.empty() ? "; the configuration has no types" : did_you_mean(job.type, names)));
    }
    if (auto checked = check_templates(job, type->second); !checked) return checked;
  } else if (job.has_vars) {
    return bad_job("vars need a type, whose prompt template they fill in");
  }
  auto model = find_job_model(config, job.type, job.model);
  if (!model) return pass(model);
  if (job.form == JobForm::batch) return check_path(job, *model);
  if (!job.messages_json.empty() && model->kind != ModelKind::chat) {
    return bad_job(fmt::format("messages need a chat model, but '{}' is {}",
                               escaped(model->name, 80), noun(model->kind)));
  }
  return {};
}

}  // namespace ratebatch
