#include "ratebatch/input/route_estimate.hpp"

#include <algorithm>
#include <string>

#include "input/job_size.hpp"
#include "input/params.hpp"
#include "ratebatch/base/template_text.hpp"

namespace ratebatch::input {
namespace {

std::int64_t literal_bytes(const std::string& text) {
  const auto parsed = TextTemplate::parse(text);
  return parsed ? static_cast<std::int64_t>(parsed->literal_bytes()) : 0;
}

std::optional<std::int64_t> count_in(const Json& value) {
  if (!value.is_number_integer() || value < 1) return std::nullopt;
  if (value > job_amount_max) return job_amount_max;
  return value.get<std::int64_t>();
}

}  // namespace

RouteEstimate route_estimate(const Config& config, std::string_view type, std::string_view model) {
  RouteEstimate estimate;
  const auto settings = find_job_model(config, type, model);
  if (!settings) return estimate;
  const auto found = config.types.find(std::string(type));
  const TypeSettings type_settings = found == config.types.end() ? TypeSettings{} : found->second;
  estimate.input_bytes = literal_bytes(type_settings.prompt);
  // Speech is of the prompt alone, and charged by its characters.
  if (settings->kind != ModelKind::speech) {
    estimate.input_bytes += literal_bytes(type_settings.system);
  }
  if (settings->kind == ModelKind::image) estimate.images = 1;
  const Json params = merged_params(*settings, type_settings);
  for (const auto& [name, value] : params.items()) {
    const auto count = count_in(value);
    if (!count) continue;
    if (is_output_max(name)) {
      estimate.output_max = std::max(*count, estimate.output_max.value_or(0));
    }
    if (name == "n" && settings->kind == ModelKind::image) estimate.images = *count;
  }
  return estimate;
}

}  // namespace ratebatch::input
