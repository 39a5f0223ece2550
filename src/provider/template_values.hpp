// What the placeholders of an HttpApi stand for, of one job.
#pragma once

#include <optional>
#include <set>
#include <string>
#include <string_view>
#include <utility>

#include "ratebatch/base/result.hpp"
#include "ratebatch/json/writer.hpp"
#include "ratebatch/model/job_content.hpp"

namespace ratebatch::provider {

class TemplateValues {
 public:
  // Both outlive it. Fails with invalid_input if the parameters are no object or ask to be
  // streamed, and for more than one file.
  static Result<TemplateValues> read(const JobContent& content, const Endpoint& endpoint);

  // A template filled in; values that are no text as their JSON text, percent-encoded where the
  // text is for a URL. Fails with invalid_input for what is no template, or misses a value.
  Result<std::string> text(std::string_view text, bool for_url);

  // A JSON value whose strings are templates; nullopt if it is left out. Fails likewise.
  Result<std::optional<Json>> filled(const Json& value);

  // Fails with invalid_input, naming it, where the job has something that was never asked for.
  [[nodiscard]] Result<void> check_all_used() const;

 private:
  TemplateValues(const JobContent& content, Json values)
      : content_(&content), values_(std::move(values)) {}

  Result<std::optional<Json>> filled_text(const std::string& text);
  const Json* find(const std::string& name);

  const JobContent* content_;
  Json values_;  // An object.
  std::set<std::string> used_;
};

}  // namespace ratebatch::provider
