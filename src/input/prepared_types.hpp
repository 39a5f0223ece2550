// The types of a configuration, made ready for many jobs: templates read, models found, parameters
// merged, each once.
#pragma once

#include <map>
#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"
#include "ratebatch/base/template_text.hpp"
#include "ratebatch/input/job_line.hpp"
#include "ratebatch/model/config.hpp"

namespace ratebatch::input {

struct PreparedModel {
  ModelSettings settings;
  std::string params_json;                    // The model's and the type's, merged: canonical.
  std::map<std::string, std::string> params;  // The same: names, and the JSON of their values.
};

struct PreparedType {
  std::string name;
  TypeSettings settings;
  Result<TextTemplate> prompt;
  Result<TextTemplate> system;
  // By the name that a job gives, empty where it gives none: those that were asked for so far.
  std::map<std::string, PreparedModel, std::less<>> models;
};

class PreparedTypes {
 public:
  // Borrows the configuration, which must not change.
  explicit PreparedTypes(const Config& config);

  [[nodiscard]] const Config& config() const { return config_; }

  // The type of this name, or that of jobs without a type if the name is empty; nullptr if the name
  // is unknown.
  PreparedType* find(std::string_view name);

  // The model of a job of this type that names `model`. Fails as find_job_model.
  Result<const PreparedModel*> model_of(PreparedType& type, std::string_view model) const;

 private:
  const Config& config_;
  std::map<std::string, PreparedType, std::less<>> types_;
};

// A job that fits the configuration, and what it uses of it.
struct CheckedJob {
  const PreparedType& type;
  const PreparedModel& model;
};

// As JobChecker::check.
Result<CheckedJob> check_job(const JobLine& job, PreparedTypes& types);

// True if the job asks with the prompt of this type: it gives vars, or nothing but files.
bool uses_template(const JobLine& job, const TypeSettings& type);

// True if the type's system text goes before what the job asks: with vars and prompt always, with
// messages unless they bring a system or developer message, with a body never.
bool takes_system_text(const JobLine& job);

}  // namespace ratebatch::input
