#include "ratebatch/input/render_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "input/job_texts.hpp"
#include "input/json_text.hpp"
#include "input/params.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch {
namespace {

// JSON that this program wrote itself.
Json own_json(std::string_view text) {
  tl::expected<Json, JsonError> parsed = parse_json(text);
  RB_ASSERT(parsed.has_value());
  return std::move(*parsed);
}

Result<std::string> render_text(std::string_view text, const Variables& variables) {
  auto parsed = TextTemplate::parse(text);
  if (!parsed) return pass(parsed);
  return parsed->render(variables);
}

Json merged_params(const ModelSettings& model, const TypeSettings& type) {
  Json params = own_json(model.params_json);
  merge_params(params, own_json(type.params_json));
  return params;
}

// The settings of a type; those of no type where the name is empty.
Result<TypeSettings> find_type(const Config& config, std::string_view name) {
  if (name.empty()) return TypeSettings{};
  const auto found = config.types.find(std::string(name));
  if (found != config.types.end()) return found->second;
  return fail(ErrorCode::invalid_input, fmt::format("unknown type '{}'", escaped(name, 80)));
}

}  // namespace

bool takes_system_text(const JobLine& job) {
  if (!job.body_json.empty()) return false;
  if (job.messages_json.empty()) return true;
  const Json messages = own_json(job.messages_json);
  return std::none_of(messages.begin(), messages.end(), [](const Json& message) {
    const Json& role = message.at("role");
    return role == "system" || role == "developer";
  });
}

Result<JobContent> render_job(const std::string& line_json, const Config& config) {
  auto job = parse_job_line(line_json);
  if (!job) return pass(job);
  if (auto checked = check_job(*job, config); !checked) return pass(checked);
  auto model = resolve_job_model(config, job->type, job->model);
  if (!model) return pass(model);
  auto type = find_type(config, job->type);
  if (!type) return pass(type);

  JobContent content;
  content.id = job->id;
  content.messages_json = job->messages_json;
  content.path = job->path;
  if (!job->body_json.empty()) {
    Json body = own_json(job->body_json);
    body["model"] = model->id;
    content.body_json = canonical_json(body);
    return content;
  }
  auto prompt = job->has_vars ? render_text(type->prompt, job->vars) : job->prompt;
  if (!prompt) return pass(prompt);
  content.prompt = std::move(*prompt);
  if (takes_system_text(*job)) {
    auto system = render_text(type->system, job->vars);
    if (!system) return pass(system);
    content.system = std::move(*system);
  }
  Json params = merged_params(*model, *type);
  merge_params(params, own_json(job->params_json));
  content.params_json = canonical_json(params);
  return content;
}

Result<std::string> recipe_json(const Config& config, std::string_view type,
                                std::string_view model) {
  auto settings = find_type(config, type);
  if (!settings) return pass(settings);
  auto found = find_job_model(config, type, model);
  if (!found) return pass(found);
  Json recipe = Json::object();
  recipe["type"] = std::string(type);
  recipe["provider"] = found->provider;
  recipe["model"] = found->id;
  recipe["kind"] = found->kind == ModelKind::image ? "image" : "chat";
  recipe["system"] = settings->system;
  recipe["prompt"] = settings->prompt;
  recipe["params"] = merged_params(*found, *settings);
  return canonical_json(recipe);
}

}  // namespace ratebatch
