// From a stored job line to what is asked: templates filled in, parameters merged, the model's name
// put in. Pure; the dialect makes the request of it.
#pragma once

#include <memory>
#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"
#include "ratebatch/input/job_line.hpp"
#include "ratebatch/json/json_fwd.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/job_content.hpp"

namespace ratebatch::input {

// Renders job lines with the configuration of this run, whose templates and parameters it prepares
// once.
class JobRenderer {
 public:
  // Borrows the configuration, which must not change.
  explicit JobRenderer(const Config& config);
  JobRenderer(const JobRenderer&) = delete;
  JobRenderer& operator=(const JobRenderer&) = delete;
  JobRenderer(JobRenderer&& other) noexcept;
  JobRenderer& operator=(JobRenderer&& other) noexcept;
  ~JobRenderer();

  // A body's `model` becomes the provider's id of the model; the rest of it stays as it is.
  // Messages that bring no system or developer message get the type's system text in
  // JobContent::system. Fails with invalid_input where the line and this configuration no longer
  // fit together.
  // `instead`: a configured model that is asked in place of the job's own; empty: its own.
  Result<JobContent> render(std::string_view line, std::string_view instead = {});

 private:
  std::unique_ptr<PreparedTypes> types_;
  std::unique_ptr<json::Parser> json_parser_;  // For parts of the line.
  JobLineParser parser_;
};

// The same for one line alone; for many it is slower.
Result<JobContent> render_job(std::string_view line, const Config& config);

// Canonical JSON of all that makes the results of a route, apart from the job itself: type,
// provider, model id, kind, templates, parameters. Equal text: the same recipe.
// Fails with invalid_input where type or model is unknown.
Result<std::string> recipe_json(const Config& config, std::string_view type,
                                std::string_view model);

}  // namespace ratebatch::input
