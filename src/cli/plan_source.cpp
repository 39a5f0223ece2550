#include "cli/plan_source.hpp"

#include <algorithm>
#include <cmath>

#include "ratebatch/quota/token_estimate.hpp"

namespace ratebatch::cli {
namespace {

// What is known of one lane.
struct LaneFacts {
  // The answers that were seen, and what they used.
  double answers = 0;
  double input_tokens = 0;
  double output_tokens = 0;
  // The jobs, and what they ask for as far as their lines say.
  std::int64_t jobs = 0;
  std::int64_t input_bytes = 0;
  std::int64_t output_max = 0;
  std::int64_t images = 0;
};

void add_seen(LaneFacts& lane, const RouteSettings& route, const store::StatusData& data) {
  const auto stored = std::ranges::find(data.routes, route.route, &store::StoredRoute::id);
  const auto counts = data.counts.routes.find(route.route);
  if (stored == data.routes.end() || counts == data.counts.routes.end()) return;
  const auto type = std::ranges::find(data.types, stored->type, &store::TypeTotals::type);
  if (type == data.types.end()) return;
  const auto done = static_cast<double>(counts->second.of(JobState::done));
  lane.answers += done;
  lane.input_tokens += done * type->avg_input_tokens;
  lane.output_tokens += done * type->avg_output_tokens;
}

// By LaneId.
std::vector<LaneFacts> facts_of(const Lanes& lanes, const std::vector<run::JobClass>& jobs,
                                const store::StatusData* seen) {
  std::vector<LaneFacts> facts(lanes.lanes.size());
  for (const RouteSettings& route : lanes.routes) {
    LaneFacts& lane = facts[index_of(route.lane)];
    if (seen != nullptr) add_seen(lane, route, *seen);
    for (const run::JobClass& each : jobs) {
      if (each.route != route.route) continue;
      lane.jobs += each.count;
      lane.input_bytes += each.count * (each.size.input_bytes + route.estimate.input_bytes);
      lane.output_max +=
          each.count * each.size.output_max.value_or(route.estimate.output_max.value_or(0));
      lane.images += each.count * (each.size.images > 0 ? each.size.images : route.estimate.images);
    }
  }
  return facts;
}

}  // namespace

Result<std::vector<run::JobClass>> open_jobs(store::CheckpointReader& reader, const Lanes& lanes,
                                             const store::Counts& counts) {
  std::vector<run::JobClass> jobs;
  for (const RouteSettings& route : lanes.routes) {
    if (counts.open(route.route) == 0) continue;
    RB_TRY(size, reader.open_job_size(route.route));
    jobs.push_back({route.route, counts.open(route.route), size->value_or(JobSize{})});
  }
  return jobs;
}

std::vector<run::LaneAssumption> assumptions_for(const run::Catalog& catalog,
                                                 const std::vector<run::JobClass>& jobs,
                                                 const store::StatusData* seen,
                                                 const PlanSettings& settings) {
  const std::vector<LaneFacts> facts = facts_of(catalog.lanes, jobs, seen);
  const auto& endpoints = catalog.endpoints;
  // The checkpoint knows one latency for all lanes: that of texts says nothing about pictures.
  const bool one_kind = std::ranges::all_of(
      endpoints, [&](const Endpoint& e) { return e.kind == endpoints.front().kind; });
  std::vector<run::LaneAssumption> assumptions(facts.size());
  for (std::size_t i = 0; i < facts.size(); ++i) {
    const LaneFacts& known = facts[i];
    run::LaneAssumption& lane = assumptions[i];
    const bool is_image = endpoints[i].kind == ModelKind::image;
    lane.latency = is_image ? run::image_latency_assumed : run::text_latency_assumed;
    if (seen != nullptr && seen->latency && one_kind && known.answers > 0) {
      lane.latency = std::chrono::milliseconds{std::max<std::int64_t>(seen->latency->p50_ms, 1)};
      lane.is_assumed = false;
    }
    if (settings.latency) {
      lane.latency = *settings.latency;
      lane.is_assumed = false;
    }
    const std::int64_t each = std::max<std::int64_t>(known.jobs, 1);
    if (is_image) {
      lane.usage.images = std::max<std::int64_t>(known.images / each, 1);
      continue;
    }
    lane.usage.input_tokens = known.input_bytes / each / quota::bytes_per_token;
    lane.usage.output_tokens = known.output_max / each;
    if (known.answers > 0) {
      lane.usage.input_tokens = std::llround(known.input_tokens / known.answers);
      lane.usage.output_tokens = std::llround(known.output_tokens / known.answers);
    }
    if (settings.tokens) lane.usage.output_tokens = *settings.tokens;
  }
  return assumptions;
}

}  // namespace ratebatch::cli
