// The quota monitor as a checkpoint remembers it: what is used of every limit, without a run.
//
// Pure, given the configuration and what is stored. No key is read.
#pragma once

#include <cstdint>
#include <optional>
#include <string_view>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/quota_view.hpp"
#include "ratebatch/run/catalog.hpp"
#include "ratebatch/store/checkpoint.hpp"

namespace ratebatch::run {

struct QuotaPicture {
  Lanes lanes;
  std::vector<LaneQuota> quotas;  // By LaneId.

  // The lane of a model, by its name.
  [[nodiscard]] std::optional<LaneId> lane_of(std::string_view model) const;
};

// The lanes of the routes, with a stand-in for every key. Routes whose model is not configured any
// more, or switched off, have none. Fails as make_catalog does.
Result<Catalog> catalog_without_keys(const Config& config, std::vector<store::StoredRoute> routes,
                                     const VariableNames& variables);

// What is used of the limits of these lanes. `config` has the windows of the client; see
// for_sandbox.
Result<QuotaPicture> picture_of(const Config& config, const std::vector<store::StoredRoute>& routes,
                                const VariableNames& variables,
                                const std::vector<StoredState>& states, Now now);

}  // namespace ratebatch::run
