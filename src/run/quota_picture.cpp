#include "ratebatch/run/quota_picture.hpp"

#include <string>

#include "ratebatch/quota/quota_monitor.hpp"

namespace ratebatch::run {

std::optional<LaneId> QuotaPicture::lane_of(std::string_view model) const {
  for (std::size_t i = 0; i < lanes.lanes.size(); ++i) {
    if (lanes.lanes[i].model == model) return LaneId{static_cast<std::int32_t>(i)};
  }
  return std::nullopt;
}

Result<Catalog> catalog_without_keys(const Config& config, std::vector<store::StoredRoute> routes,
                                     const VariableNames& variables) {
  std::erase_if(routes, [&](const store::StoredRoute& route) {
    return !resolve_job_model(config, route.type, route.model);
  });
  const KeyReader stand_in = [](const KeySource&) -> Result<Secret> { return Secret{"unused"}; };
  CatalogOptions options;
  options.variables = variables;
  std::vector<std::string> warnings;
  return make_catalog(config, routes, stand_in, options, warnings);
}

Result<QuotaPicture> picture_of(const Config& config, const std::vector<store::StoredRoute>& routes,
                                const VariableNames& variables,
                                const std::vector<StoredState>& states, Now now) {
  auto catalog = catalog_without_keys(config, routes, variables);
  if (!catalog) return pass(catalog);
  QuotaPicture picture;
  picture.lanes = std::move(catalog->lanes);
  quota::QuotaOptions options;
  options.slow_at_per_mille = config.slow_at_per_mille;
  options.warn_at_per_mille = config.warn_at_per_mille;
  const quota::QuotaMonitor monitor{picture.lanes, options, now, states};
  for (std::size_t i = 0; i < picture.lanes.lanes.size(); ++i) {
    picture.quotas.push_back(monitor.view(now, LaneId{static_cast<std::int32_t>(i)}));
  }
  return picture;
}

}  // namespace ratebatch::run
