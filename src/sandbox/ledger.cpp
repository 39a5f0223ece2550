#include "sandbox/ledger.hpp"

#include <algorithm>

namespace ratebatch::sandbox {
namespace {

void count_fault(SandboxFaultStats& faults, Fault fault) {
  switch (fault) {
    case Fault::none:
      return;
    case Fault::error:
      ++faults.error;
      return;
    case Fault::reset:
      ++faults.reset;
      return;
    case Fault::truncate:
      ++faults.truncate;
      return;
    case Fault::hang:
      ++faults.hang;
      return;
    case Fault::garbage:
      ++faults.garbage;
      return;
  }
}

void count_grant(SandboxCounts& counts, std::int64_t tokens) {
  ++counts.granted;
  ++counts.in_flight;
  counts.in_flight_max = std::max(counts.in_flight_max, counts.in_flight);
  counts.tokens += tokens;
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

void Ledger::granted(const Customer& customer, std::int64_t tokens, Fault fault,
                     const std::string& client_id, Instant now) {
  const std::lock_guard lock(mutex_);
  count_grant(stats_.total, tokens);
  count_grant(stats_.models[customer.model], tokens);
  count_grant(stats_.keys[customer.key_name], tokens);
  count_fault(stats_.faults, fault);
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
  ++stats_.total.refused;
  ++stats_.models[customer.model].refused;
  ++stats_.keys[customer.key_name].refused;
  ++stats_.refused_by[limit];
}

void Ledger::invalid() {
  const std::lock_guard lock(mutex_);
  ++stats_.invalid;
}

void Ledger::outage() {
  const std::lock_guard lock(mutex_);
  ++stats_.outage;
}

void Ledger::scripted(const std::string& name, bool success, const std::string& client_id) {
  const std::lock_guard lock(mutex_);
  ++stats_.scripted[name];
  if (success) charge(client_id);
}

void Ledger::links_announced(std::int64_t count) {
  const std::lock_guard lock(mutex_);
  stats_.links.announced += count;
}

void Ledger::link_served() {
  const std::lock_guard lock(mutex_);
  ++stats_.links.served;
}

void Ledger::link_failed() {
  const std::lock_guard lock(mutex_);
  ++stats_.links.failed;
}

void Ledger::key_leaked() {
  const std::lock_guard lock(mutex_);
  ++stats_.keys_leaked;
}

void Ledger::ended(const Customer& customer, bool abandoned) {
  const std::lock_guard lock(mutex_);
  --stats_.total.in_flight;
  --stats_.models[customer.model].in_flight;
  --stats_.keys[customer.key_name].in_flight;
  if (abandoned) ++stats_.abandoned;
}

SandboxStats Ledger::snapshot() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace ratebatch::sandbox
