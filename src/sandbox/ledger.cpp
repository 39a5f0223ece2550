#include "sandbox/ledger.hpp"

#include <algorithm>

#include "sandbox/json_body.hpp"

namespace ratebatch::sandbox {
namespace {

Json json_of_counts(const SandboxCounts& counts) {
  return {{"granted", counts.granted},
          {"refused", counts.refused},
          {"in_flight", counts.in_flight},
          {"in_flight_max", counts.in_flight_max},
          {"tokens", counts.tokens}};
}

Json json_of_counts(const std::map<std::string, SandboxCounts>& all) {
  Json json = Json::object();
  for (const auto& [name, counts] : all) json[name] = json_of_counts(counts);
  return json;
}

}  // namespace

void BusiestMinute::count(Instant now) {
  constexpr std::int64_t minute_ms = 60'000;
  const std::int64_t ms = now.ns / 1'000'000;
  while (!slots_.empty() && slots_.front().ms + minute_ms <= ms) {
    inside_ -= slots_.front().events;
    slots_.pop_front();
  }
  if (slots_.empty() || slots_.back().ms != ms) slots_.push_back({ms, 0});
  ++slots_.back().events;
  most_ = std::max(most_, ++inside_);
}

template <typename Change>
void Ledger::change_counts(const Customer& customer, Change change) {
  change(stats_.total);
  change(stats_.models[customer.model]);
  change(stats_.keys[customer.key_name]);
}

void Ledger::granted(const Customer& customer, std::int64_t tokens, Fault fault,
                     const std::string& client_id, Instant now) {
  const std::lock_guard lock(mutex_);
  change_counts(customer, [tokens](SandboxCounts& counts) {
    ++counts.granted;
    ++counts.in_flight;
    counts.in_flight_max = std::max(counts.in_flight_max, counts.in_flight);
    counts.tokens += tokens;
  });
  const auto row = std::ranges::find(fault_rows, fault, &FaultRow::fault);
  if (row != fault_rows.end()) ++(stats_.faults.*row->count);
  if (fault != Fault::error) charge(client_id);
  busiest_.count(now);
  stats_.granted_60s_max = busiest_.most();
}

void Ledger::charge(const std::string& client_id) {
  ++stats_.charged;
  if (client_id.empty()) return;
  if (const auto found = stats_.bill.find(client_id); found != stats_.bill.end()) {
    ++found->second;
  } else if (stats_.bill.size() < sandbox_bill_ids_max) {
    stats_.bill.emplace(client_id, 1);
  } else {
    ++stats_.bill_dropped;
  }
}

void Ledger::refused(const Customer& customer, const std::string& limit) {
  const std::lock_guard lock(mutex_);
  change_counts(customer, [](SandboxCounts& counts) { ++counts.refused; });
  ++stats_.refused_by[limit];
}

void Ledger::scripted(const std::string& name, bool success, const std::string& client_id) {
  const std::lock_guard lock(mutex_);
  ++stats_.scripted[name];
  if (success) charge(client_id);
}

void Ledger::ended(const Customer& customer, bool abandoned) {
  const std::lock_guard lock(mutex_);
  change_counts(customer, [](SandboxCounts& counts) { --counts.in_flight; });
  if (abandoned) ++stats_.abandoned;
}

void Ledger::count(std::int64_t SandboxStats::* number) {
  const std::lock_guard lock(mutex_);
  ++(stats_.*number);
}

void Ledger::count_links(std::int64_t SandboxLinkStats::* number, std::int64_t links) {
  const std::lock_guard lock(mutex_);
  stats_.links.*number += links;
}

SandboxStats Ledger::snapshot() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

std::string Ledger::stats_body() const {
  const SandboxStats stats = snapshot();
  Json json = json_of_counts(stats.total);
  json["charged"] = stats.charged;
  json["abandoned"] = stats.abandoned;
  json["invalid"] = stats.invalid;
  json["outage"] = stats.outage;
  json["granted_60s_max"] = stats.granted_60s_max;
  json["refused_by"] = stats.refused_by;
  json["models"] = json_of_counts(stats.models);
  json["keys"] = json_of_counts(stats.keys);
  for (const FaultRow& row : fault_rows) json["faults"][row.name] = stats.faults.*row.count;
  json["scripted"] = stats.scripted;
  json["links"] = {{"announced", stats.links.announced},
                   {"served", stats.links.served},
                   {"failed", stats.links.failed}};
  json["keys_leaked"] = stats.keys_leaked;
  json["bill"] = stats.bill;
  json["bill_dropped"] = stats.bill_dropped;
  return json::written(json);
}

}  // namespace ratebatch::sandbox
