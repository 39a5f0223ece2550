// The provider of the simulation: an independent model with limiters of its own, faults, and the
// bill. It shares no code with the quota monitor and believes nothing the client counts.
#pragma once

#include <cstdint>
#include <deque>
#include <map>
#include <string>

#include "ratebatch/base/random.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/http.hpp"
#include "sim/sim_options.hpp"

namespace ratebatch::sim {

// What the provider did for one job, over all attempts.
struct Account {
  std::int64_t arrived = 0;
  std::int64_t charged = 0;
  std::int64_t refused = 0;        // 429.
  std::int64_t failed = 0;         // Server failures of all kinds, broken connections included.
  bool permanently_wrong = false;  // Always gets a 400.
  std::int64_t not_found = 0;
  std::int64_t rejected = 0;  // Answers that the client's rules refuse.
  bool has_links = false;     // Its answers announce files.
  bool gone = false;          // The file host never has them.
  std::int64_t fetched = 0;   // Downloads that brought a file.
};

class SimProvider {
 public:
  SimProvider(const SimOptions& options, Rng rng) : options_(options), rng_(rng) {}

  // A request of job `id` for `model` reaches the server. Returns what the client will see, and how
  // long after the request left.
  struct Answer {
    TransferResult result;
    Duration after{};
  };
  // `scope`: what shares its limits.
  Answer request(Now now, const std::string& scope, const std::string& model, const std::string& id,
                 const std::string& key);

  // A download of the file of job `id`, at its link or where that redirects.
  Answer download(const std::string& id, bool redirected);

  // The request that was answered so is over (its slot at the server is free again).
  void finished(const std::string& scope);

  // All connections are gone: the client crashed.
  void drop_all() { in_flight_.clear(); }

  // A person saw that the first model is not known, and mended that.
  void mend_typo() { typo_mended_ = true; }

  // From now on everything works: no faults, no refusals but for limits.
  void heal() { healed_ = true; }

  [[nodiscard]] const std::map<std::string, Account>& accounts() const { return accounts_; }

 private:
  struct Window {
    std::deque<Instant> granted;  // Sliding.
    std::int64_t slot = -1;       // Fixed: which window...
    std::int64_t used = 0;        // ...and how many in it.
    Instant refilled{};           // Bucket.
    std::int64_t level_ns = 0;    // Bucket: unused nanoseconds of window, amount of them a request.
  };

  bool take(Instant now, Window& window, Duration& wait) const;
  TransferResult refuse(const char* code, Duration wait) const;
  [[nodiscard]] Answer answer(Account& account, const std::string& model, const std::string& id,
                              const std::string& key);
  void tell_limits(Instant now, const Window& window, HttpReply& reply) const;
  Answer broken(Account& account, Duration latency);
  static HttpReply error(std::int32_t status, const std::string& code);
  HttpReply success(const std::string& id) const;
  HttpReply content(Account& account, const std::string& id);

  const SimOptions& options_;
  Rng rng_;
  bool healed_ = false;
  bool typo_mended_ = false;
  std::map<std::string, Window> windows_;
  std::map<std::string, std::int32_t> in_flight_;
  std::map<std::string, Account> accounts_;
  std::int64_t requests_ = 0;
};

}  // namespace ratebatch::sim
