#include "input/prepared_types.hpp"

#include <utility>

#include "input/params.hpp"

namespace ratebatch::input {
namespace {

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

}  // namespace

PreparedTypes::PreparedTypes(const Config& config) : config_(config) {
  types_.emplace("", prepared("", {}));
  for (const auto& [name, settings] : config.types) {
    types_.emplace(name, prepared(name, settings));
  }
}

PreparedType* PreparedTypes::find(std::string_view name) {
  const auto found = types_.find(name);
  return found == types_.end() ? nullptr : &found->second;
}

Result<const PreparedModel*> PreparedTypes::model_of(PreparedType& type,
                                                     std::string_view model) const {
  auto known = type.models.find(model);
  if (known == type.models.end()) {
    RB_TRY(settings, find_job_model(config_, type.name, model));
    known = type.models.emplace(model, prepared(std::move(*settings), type.settings)).first;
  }
  return &known->second;
}

}  // namespace ratebatch::input
