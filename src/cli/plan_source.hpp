// What a plan is made of: jobs by route with their sizes, and what answers are like, from what was
// seen so far or else from assumptions.
#pragma once

#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/cli/options.hpp"
#include "ratebatch/run/catalog.hpp"
#include "ratebatch/run/plan.hpp"
#include "ratebatch/store/checkpoint_reader.hpp"

namespace ratebatch::cli {

// The open jobs of the catalog's routes. Every job of a route is taken to be of its average size.
Result<std::vector<run::JobClass>> open_jobs(store::CheckpointReader& reader, const Lanes& lanes,
                                             const store::Counts& counts);

// What each lane's answers are taken to be like. `seen`: of the checkpoint, where there is one.
std::vector<run::LaneAssumption> assumptions_for(const run::Catalog& catalog,
                                                 const std::vector<run::JobClass>& jobs,
                                                 const store::StatusData* seen,
                                                 const PlanSettings& settings);

}  // namespace ratebatch::cli
