#include "sandbox/service_bodies.hpp"

#include "sandbox/json_body.hpp"

namespace ratebatch::sandbox {
namespace {

Json counts_of(const SandboxCounts& stats) {
  return {{"granted", stats.granted},
          {"refused", stats.refused},
          {"in_flight", stats.in_flight},
          {"in_flight_max", stats.in_flight_max},
          {"tokens", stats.tokens}};
}

}  // namespace

std::string models_body(const SandboxOptions& options) {
  Json list = Json::array();
  for (const auto& [model, limits] : options.models) {
    list.push_back({{"id", model}, {"object", "model"}, {"created", 0}, {"owned_by", "sandbox"}});
  }
  return written({{"object", "list"}, {"data", std::move(list)}});
}

std::string stats_body(const SandboxStats& stats) {
  Json json = counts_of(stats.total);
  json["charged"] = stats.charged;
  json["abandoned"] = stats.abandoned;
  json["invalid"] = stats.invalid;
  json["outage"] = stats.outage;
  json["granted_60s_max"] = stats.granted_60s_max;
  json["refused_by"] = stats.refused_by;
  json["models"] = Json::object();
  for (const auto& [model, counts] : stats.models) json["models"][model] = counts_of(counts);
  json["keys"] = Json::object();
  for (const auto& [key, counts] : stats.keys) json["keys"][key] = counts_of(counts);
  json["faults"] = {{"error", stats.faults.error},
                    {"reset", stats.faults.reset},
                    {"truncate", stats.faults.truncate},
                    {"hang", stats.faults.hang},
                    {"garbage", stats.faults.garbage}};
  json["scripted"] = stats.scripted;
  json["links"] = {{"announced", stats.links.announced},
                   {"served", stats.links.served},
                   {"failed", stats.links.failed}};
  json["keys_leaked"] = stats.keys_leaked;
  json["bill"] = stats.bill;
  json["bill_dropped"] = stats.bill_dropped;
  return written(json);
}

}  // namespace ratebatch::sandbox
