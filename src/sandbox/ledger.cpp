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

void count_grant(SandboxModelStats& stats) {
  ++stats.granted;
  ++stats.in_flight;
  stats.in_flight_max = std::max(stats.in_flight_max, stats.in_flight);
}

}  // namespace

void Ledger::granted(const std::string& model, Fault fault, const std::string& client_id) {
  const std::lock_guard lock(mutex_);
  count_grant(stats_.total);
  count_grant(stats_.models[model]);
  count_fault(stats_.faults, fault);
  if (fault != Fault::error) charge(client_id);
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

void Ledger::refused(const std::string& model) {
  const std::lock_guard lock(mutex_);
  ++stats_.total.refused;
  ++stats_.models[model].refused;
}

void Ledger::invalid() {
  const std::lock_guard lock(mutex_);
  ++stats_.invalid;
}

void Ledger::ended(const std::string& model, bool abandoned) {
  const std::lock_guard lock(mutex_);
  --stats_.total.in_flight;
  --stats_.models[model].in_flight;
  if (abandoned) ++stats_.abandoned;
}

SandboxStats Ledger::snapshot() const {
  const std::lock_guard lock(mutex_);
  return stats_;
}

}  // namespace ratebatch::sandbox
