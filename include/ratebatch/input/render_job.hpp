// From a stored job line to what is asked: templates filled in, parameters merged, the model's name
// put in. And what all jobs of a route ask alike. Pure; the dialect makes the request of it.
#pragma once

#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"
#include "ratebatch/input/check_job.hpp"
#include "ratebatch/input/job_line.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/job_content.hpp"
#include "ratebatch/model/lanes.hpp"

namespace ratebatch::input {

// Renders job lines with the configuration of this run.
class JobRenderer {
 public:
  // Borrows the configuration, which must not change.
  explicit JobRenderer(const Config& config) : config_(config), checker_(config) {}

  // A body's `model` becomes the provider's id of the model; the rest of it stays as it is.
  // Messages that bring no system or developer message get the type's system text in
  // JobContent::system. Fails with invalid_input where the line and this configuration no longer
  // fit together.
  // `instead`: a configured model that is asked in place of the job's own; empty: its own.
  Result<JobContent> render(std::string_view line, std::string_view instead = {});

 private:
  const Config& config_;
  JobChecker checker_;
  JobLineParser parser_;
};

// The same for one line alone; for many it is slower.
Result<JobContent> render_job(std::string_view line, const Config& config);

// Canonical JSON of all that makes the results of a route, apart from the job itself: type,
// provider, model id, kind, templates, parameters. Equal text: the same recipe.
// Fails with invalid_input where type or model is unknown.
Result<std::string> recipe_json(const Config& config, std::string_view type,
                                std::string_view model);

// What every job of a route brings beside its own line, for the estimate of its tokens: the bytes
// of the type's system text and prompt without their placeholders, the longest answer that the
// parameters of type and model allow, and for an image model the images per request. Either name
// may be empty. All zero where find_job_model finds no model.
RouteEstimate route_estimate(const Config& config, std::string_view type, std::string_view model);

}  // namespace ratebatch::input
