#include "cli/plan_source.hpp"

#include <algorithm>
#include <cmath>
#include <string>

#include "ratebatch/quota/token_estimate.hpp"

namespace ratebatch::cli {
namespace {

// What the answers of one lane used, and how many they are.
struct Seen {
  double answers = 0;
  double input_tokens = 0;
  double output_tokens = 0;
};

std::vector<Seen> seen_by_lane(const Lanes& lanes, const store::StatusData& data) {
  std::map<std::string, const store::TypeTotals*> types;
  for (const store::TypeTotals& type : data.types) types[type.type] = &type;
  std::vector<Seen> seen(lanes.lanes.size());
  for (const RouteSettings& route : lanes.routes) {
    const auto stored =
        std::find_if(data.routes.begin(), data.routes.end(),
                     [&](const store::StoredRoute& r) { return r.id == route.route; });
    const auto counts = data.counts.routes.find(route.route);
    if (stored == data.routes.end() || counts == data.counts.routes.end()) continue;
    const auto type = types.find(stored->type);
    if (type == types.end()) continue;
    const auto done = static_cast<double>(counts->second.of(JobState::done));
    Seen& lane = seen[index_of(route.lane)];
    lane.answers += done;
    lane.input_tokens += done * type->second->avg_input_tokens;
    lane.output_tokens += done * type->second->avg_output_tokens;
  }
  return seen;
}

// What the jobs of a lane ask for on average, as far as their lines say.
struct Asked {
  std::int64_t jobs = 0;
  std::int64_t input_bytes = 0;
  std::int64_t output_max = 0;
  std::int64_t images = 0;
};

std::vector<Asked> asked_by_lane(const Lanes& lanes, const std::vector<run::JobClass>& jobs) {
  std::vector<Asked> asked(lanes.lanes.size());
  for (const run::JobClass& each : jobs) {
    for (const RouteSettings& route : lanes.routes) {
      if (route.route != each.route) continue;
      Asked& lane = asked[index_of(route.lane)];
      lane.jobs += each.count;
      lane.input_bytes += each.count * (each.size.input_bytes + route.estimate.input_bytes);
      lane.output_max +=
          each.count * each.size.output_max.value_or(route.estimate.output_max.value_or(0));
      lane.images += each.count * (each.size.images > 0 ? each.size.images : route.estimate.images);
    }
  }
  return asked;
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
  const Lanes& lanes = catalog.lanes;
  std::vector<Seen> answers(lanes.lanes.size());
  if (seen != nullptr) answers = seen_by_lane(lanes, *seen);
  const std::vector<Asked> asked = asked_by_lane(lanes, jobs);
  const auto& endpoints = catalog.endpoints;
  // The checkpoint knows one latency for all lanes: that of texts says nothing about pictures.
  const bool one_kind = std::all_of(endpoints.begin(), endpoints.end(), [&](const Endpoint& e) {
    return e.kind == endpoints.front().kind;
  });
  std::vector<run::LaneAssumption> assumptions(lanes.lanes.size());
  for (std::size_t i = 0; i < assumptions.size(); ++i) {
    run::LaneAssumption& lane = assumptions[i];
    const bool is_image = endpoints[i].kind == ModelKind::image;
    lane.latency = is_image ? run::image_latency_assumed : run::text_latency_assumed;
    if (seen != nullptr && seen->latency && one_kind && answers[i].answers > 0) {
      lane.latency = std::chrono::milliseconds{std::max<std::int64_t>(seen->latency->p50_ms, 1)};
      lane.is_assumed = false;
    }
    if (settings.latency) {
      lane.latency = *settings.latency;
      lane.is_assumed = false;
    }
    const std::int64_t each = std::max<std::int64_t>(asked[i].jobs, 1);
    if (is_image) {
      lane.usage.images = std::max<std::int64_t>(asked[i].images / each, 1);
      continue;
    }
    lane.usage.input_tokens = asked[i].input_bytes / each / quota::bytes_per_token;
    lane.usage.output_tokens = asked[i].output_max / each;
    if (answers[i].answers > 0) {
      lane.usage.input_tokens = std::llround(answers[i].input_tokens / answers[i].answers);
      lane.usage.output_tokens = std::llround(answers[i].output_tokens / answers[i].answers);
    }
    if (settings.tokens) lane.usage.output_tokens = *settings.tokens;
  }
  return assumptions;
}

}  // namespace ratebatch::cli
