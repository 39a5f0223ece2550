#include "ratebatch/input/render_job.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <map>
#include <utility>
#include <vector>

#include "input/params.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/template_text.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/json/reader.hpp"
#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::input {
namespace {

// The settings of a type; those of no type where the name is empty.
Result<TypeSettings> find_type(const Config& config, std::string_view name) {
  if (name.empty()) return TypeSettings{};
  const auto found = config.types.find(std::string(name));
  if (found != config.types.end()) return found->second;
  return fail(ErrorCode::invalid_input, fmt::format("unknown type '{}'", escaped(name, 80)));
}

std::int64_t literal_bytes(const std::string& text) {
  const auto parsed = TextTemplate::parse(text);
  return parsed ? static_cast<std::int64_t>(parsed->literal_bytes()) : 0;
}

// The text of the body with this model, everything else as it stands.
std::string with_model(json::Parser& parser, std::string_view body, std::string_view model_id) {
  const std::vector<json::Member> members = parser.members(body);
  const auto found = std::find_if(members.begin(), members.end(),
                                  [](const auto& member) { return member.name == "model"; });
  std::string_view before = body.substr(0, body.rfind('}'));
  std::string_view after = "}";
  if (found != members.end()) {
    const std::string_view value = found->text;
    before = body.substr(0, static_cast<std::size_t>(value.data() - body.data()));
    after = body.substr(before.size() + value.size());
  }
  std::string out(before);
  if (found == members.end()) out += members.empty() ? R"("model":)" : R"(,"model":)";
  append_json_string(out, model_id);
  out += after;
  return out;
}

// What of an API of one's own makes its answers; how a key goes there does not.
Json described(const HttpApi& api) {
  Json json = {{"method", api.method},
               {"path", api.path},
               {"body", api.body_json},
               {"result", api.result},
               {"headers", Json::object()}};
  // Somebody may have put a secret there, and recipes are stored.
  for (const auto& [name, value] : api.headers) json["headers"][name] = fnv1a_64_hex(value);
  return json;
}

// The parameters of the model and the type with those of the job over them.
std::string with_params(json::Parser& parser, const PreparedModel& model,
                        std::string_view job_params) {
  std::map<std::string_view, std::string_view> params(model.params.begin(), model.params.end());
  for (const auto& [name, value] : parser.members(job_params)) params[name] = value;
  std::string out = "{";
  for (const auto& [name, value] : params) {
    if (out.size() > 1) out += ',';
    append_json_string(out, name);
    out += ':';
    out += value;
  }
  out += '}';
  return out;
}

}  // namespace

Result<JobContent> JobRenderer::render(std::string_view line, std::string_view instead) {
  RB_TRY(job, parser_.parse(line));
  if (!instead.empty()) job->model = instead;
  RB_TRY(checked, checker_.check(*job));
  const auto& [type, model] = *checked;
  if (!model.settings.enabled) {
    auto refused = resolve_job_model(config_, job->type, job->model);
    RB_ASSERT(!refused);
    return pass(refused);
  }

  JobContent content;
  content.kind = provider::kind_of_path(job->path).value_or(model.settings.kind);
  content.id = std::move(job->id);
  content.path = std::move(job->path);
  if (!job->body_json.empty()) {
    // What an API of one's own wants is known to its user alone.
    content.body_json = model.settings.http
                            ? std::move(job->body_json)
                            : with_model(parser_.json_parser(), job->body_json, model.settings.id);
    return content;
  }
  for (std::string& path : job->files) content.files.push_back({std::move(path), {}});
  RB_TRY(prompt, uses_template(*job, type.settings) ? type.prompt->render(job->vars)
                                                    : std::move(job->prompt));
  content.prompt = std::move(*prompt);
  if (takes_system_text(*job)) {
    RB_TRY(system, type.system->render(job->vars));
    content.system = std::move(*system);
  }
  content.messages_json = std::move(job->messages_json);
  content.params_json = job->params_json == "{}"
                            ? model.params_json
                            : with_params(parser_.json_parser(), model, job->params_json);
  return content;
}

Result<JobContent> render_job(std::string_view line, const Config& config) {
  return JobRenderer{config}.render(line);
}

Result<std::string> recipe_json(const Config& config, std::string_view type,
                                std::string_view model) {
  RB_TRY(settings, find_type(config, type));
  RB_TRY(found, find_job_model(config, type, model));
  Json recipe = Json::object();
  recipe["type"] = std::string(type);
  recipe["provider"] = found->provider;
  recipe["model"] = found->id;
  recipe["kind"] = std::string(to_string(found->kind));
  recipe["system"] = settings->system;
  recipe["prompt"] = settings->prompt;
  recipe["params"] = merged_params(*found, *settings);
  if (found->http) recipe["http"] = described(*found->http);
  return json::canonical(recipe);
}

RouteEstimate route_estimate(const Config& config, std::string_view type, std::string_view model) {
  RouteEstimate estimate;
  const auto settings = find_job_model(config, type, model);
  if (!settings) return estimate;
  const TypeSettings texts = find_type(config, type).value_or(TypeSettings{});
  estimate.input_bytes = literal_bytes(texts.prompt);
  // Speech is of the prompt alone, and charged by its characters.
  if (settings->kind != ModelKind::speech) estimate.input_bytes += literal_bytes(texts.system);
  json::Parser parser;
  JobSize size;
  const auto params = parser.parse(json::canonical(merged_params(*settings, texts)));
  if (const auto object = json::as<json::Object>(params)) read_size(*object, size);
  estimate.output_max = size.output_max;
  if (settings->kind == ModelKind::image) estimate.images = std::max<std::int64_t>(size.images, 1);
  return estimate;
}

}  // namespace ratebatch::input
