#include "ratebatch/input/check_job.hpp"

#include <fmt/format.h>
#include <fmt/ranges.h>

#include <array>
#include <utility>
#include <vector>

#include "input/params.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::input {
namespace {

tl::unexpected<Error> bad_job(std::string message) {
  return fail(ErrorCode::invalid_input, std::move(message));
}

std::string_view noun(ModelKind kind) {
  constexpr std::array<std::string_view, model_kind_count> nouns = {
      "a chat model",          "a responses model",  "an image model", "a speech model",
      "a transcription model", "an embedding model", "another model"};
  return nouns[static_cast<std::size_t>(kind)];
}

PreparedType prepared(const std::string& name, const TypeSettings& settings) {
  return {name,
          settings,
          TextTemplate::parse(settings.prompt),
          TextTemplate::parse(settings.system),
          {}};
}

PreparedModel prepared(ModelSettings settings, const TypeSettings& type) {
  const Json params = merged_params(settings, type);
  PreparedModel model{std::move(settings), json::canonical(params), {}};
  for (const auto& [name, value] : params.items()) {
    model.params.emplace(name, json::canonical(value));
  }
  return model;
}

// A line that names a path of OpenAI's API goes there as it is: another API would not know it.
Result<void> check_path(const JobLine& job, const ProviderSettings& provider) {
  if (!provider::kind_of_path(job.path)) {
    return bad_job(
        fmt::format("url '{}' is not supported; expected one of {}", escaped(job.path, 80),
                    "/v1/chat/completions, /v1/responses, /v1/embeddings, /v1/images/generations, "
                    "/v1/audio/speech, /v1/completions, /v1/moderations, /v1/score, /v1/rerank"));
  }
  if (provider.api == "openai" || provider.api == "together") return {};
  if (job.form == JobForm::script) {
    return bad_job(
        fmt::format("missing field 'id'; a line without it is a request body for OpenAI's API, but "
                    "provider '{}' speaks '{}'",
                    escaped(provider.name, 80), provider.api));
  }
  return bad_job(
      fmt::format("url '{}' is one of OpenAI's API, but provider '{}' speaks '{}'; write the job "
                  "with id, model and messages or prompt",
                  escaped(job.path, 80), escaped(provider.name, 80), provider.api));
}

std::string needs(std::string_view what, std::string_view kinds, const ModelSettings& model) {
  return fmt::format("{} need {} model, but '{}' is {}", what, kinds, escaped(model.name, 80),
                     noun(model.kind));
}

// Files alone, and no template to go with them: enough to be transcribed, no question to others.
bool asks_nothing(const JobLine& job, const TypeSettings& type) {
  return !uses_template(job, type) && job.prompt.empty() && job.messages_json.empty();
}

// What each kind can be asked with, apart from a body, which is sent as it is.
Result<void> check_fields(const JobLine& job, const TypeSettings& type,
                          const ModelSettings& model) {
  const bool is_chat = model.kind == ModelKind::chat || model.kind == ModelKind::responses;
  const bool takes_questions = is_chat || model.kind == ModelKind::image;
  if (takes_questions && asks_nothing(job, type)) {
    return bad_job(
        fmt::format("files alone are no question to {}, which '{}' is; add a prompt or vars",
                    noun(model.kind), escaped(model.name, 80)));
  }
  if (!is_chat && !job.messages_json.empty()) {
    return bad_job(needs("messages", "a chat or responses", model));
  }
  if (takes_questions) return {};
  if (model.kind == ModelKind::transcription) {
    if (job.files.size() == 1) return {};
    return bad_job(
        fmt::format("a transcription model, which '{}' is, needs exactly one file in "
                    "'files', and the line has {}",
                    escaped(model.name, 80), job.files.size()));
  }
  if (job.files.empty()) return {};
  return bad_job(needs("files", "a chat, responses, image or transcription", model));
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
  if (job.has_vars && job.type.empty()) {
    return bad_job("vars need a type, whose prompt template they fill in");
  }
  if (job.has_vars && type.settings.prompt.empty()) {
    return bad_job(
        fmt::format("vars need a prompt template, and type '{}' has none", escaped(job.type, 80)));
  }
  if (uses_template(job, type.settings)) {
    RB_TRY(checked, check_variables(job, type.prompt, "prompt"));
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

bool uses_template(const JobLine& job, const TypeSettings& type) {
  if (job.has_vars) return true;
  const bool files_alone = !job.files.empty() && job.prompt.empty() && job.messages_json.empty();
  return files_alone && !type.prompt.empty();
}

bool takes_system_text(const JobLine& job) {
  return job.body_json.empty() && !job.has_system_message;
}

JobChecker::JobChecker(const Config& config) : config_(config) {
  types_.emplace("", prepared("", {}));
  for (const auto& [name, settings] : config.types) {
    types_.emplace(name, prepared(name, settings));
  }
}

Result<CheckedJob> JobChecker::check(const JobLine& job) {
  const auto found = types_.find(job.type);
  if (found == types_.end()) return unknown_type(job, config_);
  PreparedType& type = found->second;
  RB_TRY(templates, check_templates(job, type));
  RB_TRY(model, model_of(type, job.model));
  const CheckedJob fitting{type, **model};
  const ModelSettings& settings = fitting.model.settings;
  Result<void> checked;
  if (!job.path.empty()) {
    checked = check_path(job, config_.providers.at(settings.provider));
  } else if (job.body_json.empty()) {
    checked = check_fields(job, type.settings, settings);
  }
  if (!checked) return pass(checked);
  return fitting;
}

Result<const PreparedModel*> JobChecker::model_of(PreparedType& type,
                                                  std::string_view model) const {
  auto known = type.models.find(model);
  if (known == type.models.end()) {
    RB_TRY(settings, find_job_model(config_, type.name, model));
    known = type.models.emplace(model, prepared(std::move(*settings), type.settings)).first;
  }
  return &known->second;
}

}  // namespace ratebatch::input
