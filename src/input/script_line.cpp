#include "input/script_line.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <string_view>

#include "ratebatch/base/text.hpp"

namespace ratebatch::input {
namespace {

// Models of OpenAI's older completions API; all newer ones take messages.
bool is_completion_model(std::string_view model) {
  std::string_view id = model.substr(model.rfind('/') + 1);
  if (id.starts_with("ft:")) id.remove_prefix(3);
  return id.starts_with("gpt-3.5-turbo-instruct") || id.starts_with("davinci-002") ||
         id.starts_with("babbage-002");
}

// Empty where no body without an id asks such a model so.
std::string_view path_of(const JobFields& fields, const LineOrigin& origin,
                         std::string_view model) {
  if (fields.has("messages")) return "/v1/chat/completions";
  const ModelKind kind = origin.kind_of ? origin.kind_of(model) : kind_of_id(model);
  if (!fields.has("input")) {
    if (kind == ModelKind::image) return "/v1/images/generations";
    return is_completion_model(model) ? "/v1/completions" : "";
  }
  if (kind == ModelKind::embedding) return "/v1/embeddings";
  if (kind == ModelKind::speech) return "/v1/audio/speech";
  // OpenAI's models for it are called omni-moderation-latest and text-moderation-latest.
  if (model.find("moderation") != std::string_view::npos) return "/v1/moderations";
  return "/v1/responses";
}

}  // namespace

bool is_script_line(const JobFields& fields) {
  constexpr std::array<std::string_view, 10> of_jobs = {
      "id", "custom_id", "method", "url", "type", "vars", "body", "files", "params", "priority"};
  const auto has = [&](std::string_view name) { return fields.has(name); };
  return (has("messages") || has("input") || has("prompt")) &&
         std::none_of(of_jobs.begin(), of_jobs.end(), has);
}

std::string as_batch_line(JobFields& fields, const LineOrigin& origin) {
  const std::string model = fields.name("model");
  if (model.empty()) {
    fields.refuse("missing field 'model' in a bare request body, or field 'id' in a job");
  }
  fields.object("metadata");
  const std::string_view path = path_of(fields, origin, model);
  if (path.empty()) {
    fields.refuse(
        "missing field 'id'; a prompt without it is a request to image models and to "
        "gpt-3.5-turbo-instruct, davinci-002 and babbage-002 only");
  }
  if (fields.problem()) return {};
  std::string line = R"({"custom_id":)";
  append_json_string(line, fmt::format("{}-{}", origin.file, origin.line));
  line += fmt::format(R"(,"method":"POST","url":"{}","body":)", path);
  line += fields.text_without("metadata");
  if (fields.has("metadata")) line += R"(,"metadata":)" + fields.text("metadata");
  line += '}';
  return line;
}

}  // namespace ratebatch::input
