#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <vector>

#include "input/prepared_types.hpp"
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
Result<void> check_variables(const JobLine& job, const Result<TextTemplate>& text,
                             std::string_view what) {
  if (!text) return tl::unexpected<Error>(text.error());
  const std::vector<std::string> missing = text->missing(job.vars);
  if (missing.empty()) return {};
  std::vector<std::string> given;
  for (const auto& [name, value] : job.vars) given.push_back(name);
  const auto near = nearest_name(missing.front(), given);
  return bad_job(fmt::format(
      "missing variable{} '{}' in the {} of type '{}'{}", missing.size() == 1 ? "" : "s",
      escaped(fmt::format("{}", fmt::join(missing, "', '"))), what, escaped(job.type, 80),
      near ? fmt::format("; the line has '{}'", escaped(*near, 80)) : ""));
}

Result<void> check_templates(const JobLine& job, const PreparedType& type) {
  if (job.has_vars) {
    if (job.type.empty()) return bad_job("vars need a type, whose prompt template they fill in");
    if (type.settings.prompt.empty()) {
      return bad_job(fmt::format("vars need a prompt template, and type '{}' has none",
                                 escaped(job.type, 80)));
    }
    if (auto checked = check_variables(job, type.prompt, "prompt"); !checked) return checked;
  }
  if (!takes_system_text(job)) return {};
  return check_variables(job, type.system, "system text");
}

tl::unexpected<Error> unknown_type(const JobLine& job, const Config& config) {
  std::vector<std::string> names;
  for (const auto& [name, settings] : config.types) names.push_back(name);
  return bad_job(fmt::format(
      "unknown type '{}'{}", escaped(job.type, 80),
      names.empty() ? "; the configuration has no types" : did_you_mean(job.type, names)));
}

}  // namespace

bool takes_system_text(const JobLine& job) {
  return job.body_json.empty() && !job.has_system_message;
}

Result<CheckedJob> check_job(const JobLine& job, PreparedTypes& types) {
  PreparedType* type = types.find(job.type);
  if (type == nullptr) return unknown_type(job, types.config());
  if (auto checked = check_templates(job, *type); !checked) return pass(checked);
  auto model = types.model_of(*type, job.model);
  if (!model) return pass(model);
  const CheckedJob fitting{*type, **model};
  const ModelSettings& settings = fitting.model.settings;
  if (job.form == JobForm::batch) {
    if (auto checked = check_path(job, settings); !checked) return pass(checked);
  } else if (!job.messages_json.empty() && settings.kind != ModelKind::chat) {
    return bad_job(fmt::format("messages need a chat model, but '{}' is {}",
                               escaped(settings.name, 80), noun(settings.kind)));
  }
  return fitting;
}

JobChecker::JobChecker(const Config& config) : types_(std::make_unique<PreparedTypes>(config)) {}
JobChecker::JobChecker(JobChecker&&) noexcept = default;
JobChecker& JobChecker::operator=(JobChecker&&) noexcept = default;
JobChecker::~JobChecker() = default;

Result<void> JobChecker::check(const JobLine& job) {
  auto checked = check_job(job, *types_);
  if (!checked) return pass(checked);
  return {};
}

}  // namespace ratebatch
