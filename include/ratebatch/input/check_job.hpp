// Jobs checked against the configuration, whose templates are read, models found and parameters
// merged once for all of them.
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

// A job that fits the configuration, and what it uses of it. Borrows from the JobChecker.
struct CheckedJob {
  const PreparedType& type;
  const PreparedModel& model;
};

class JobChecker {
 public:
  // Borrows the configuration, which must not change.
  explicit JobChecker(const Config& config);

  // Type and model are known, the template has its variables, and the model can do what is asked. A
  // model that is switched off passes: its jobs wait. Fails with invalid_input.
  Result<CheckedJob> check(const JobLine& job);

 private:
  Result<const PreparedModel*> model_of(PreparedType& type, std::string_view model) const;

  const Config& config_;
  std::map<std::string, PreparedType, std::less<>> types_;  // The empty name: of jobs without one.
};

// True if the job asks with the prompt of this type: it gives vars, or nothing but files.
bool uses_template(const JobLine& job, const TypeSettings& type);

// True if the type's system text goes before what the job asks: with vars and prompt always, with
// messages unless they bring a system or developer message, with a body never.
bool takes_system_text(const JobLine& job);

}  // namespace ratebatch::input
