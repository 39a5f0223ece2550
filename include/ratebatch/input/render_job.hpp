// From a stored job line to what is asked: templates filled in, parameters merged, the model's name
// put in. Pure; the dialect makes the request of it.
#pragma once

#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/job_content.hpp"

namespace ratebatch {

// Renders a job line (JobLine::canonical, as stored) with the configuration of this run. A body's
// `model` becomes the provider's id of the model; the rest of it stays as it is. Messages that
// bring no system or developer message get the type's system text in JobContent::system. Fails with
// invalid_input where the line and this configuration no longer fit together.
Result<JobContent> render_job(const std::string& line_json, const Config& config);

// Canonical JSON of all that makes the results of a route, apart from the job itself: type,
// provider, model id, kind, templates, parameters. Equal text: the same recipe.
// Fails with invalid_input where type or model is unknown.
Result<std::string> recipe_json(const Config& config, std::string_view type,
                                std::string_view model);

}  // namespace ratebatch
