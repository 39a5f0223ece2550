// The stand-in for all providers: an HTTP server on 127.0.0.1 that speaks their APIs, enforces
// limits with limiters of its own, and keeps the bill.
//
// OpenAI's API is at /v1 and at /openai/v1; /together/v1, /anthropic/v1, /gemini/v1 and
// /elevenlabs/v1 are the others, and /http/NAME those that users describe (NAME is that of the
// model, percent-encoded). Pictures that answers link to are at /files/.
//
// It is for first runs, rehearsals and tests, and calls nobody. A SandboxServer owns one background
// thread, in which everything happens; its public functions may be called from any thread.
#pragma once

#include <cstdint>
#include <functional>
#include <map>
#include <memory>
#include <string>

#include "ratebatch/base/port.hpp"
#include "ratebatch/base/result.hpp"
#include "ratebatch/sandbox/sandbox_options.hpp"

namespace ratebatch::sandbox {

// Client request ids whose charges are kept one by one: some 100 MB of memory at most.
constexpr std::size_t sandbox_bill_ids_max = 1'000'000;

// Of one model, one key, or all together.
struct SandboxCounts {
  std::int64_t granted = 0;
  std::int64_t refused = 0;  // 429 for any reason.
  std::int64_t in_flight = 0;
  std::int64_t in_flight_max = 0;  // The most at any one time.
  std::int64_t tokens = 0;         // What the answers of granted requests use, input included.

  friend bool operator==(const SandboxCounts&, const SandboxCounts&) = default;
};

struct SandboxFaultStats {
  std::int64_t error = 0;
  std::int64_t reset = 0;
  std::int64_t truncate = 0;
  std::int64_t hang = 0;
  std::int64_t garbage = 0;
};

struct SandboxLinkStats {
  std::int64_t announced = 0;  // In answers.
  std::int64_t served = 0;
  std::int64_t failed = 0;  // By link_error_rate.

  friend bool operator==(const SandboxLinkStats&, const SandboxLinkStats&) = default;
};

// What the server has counted since its start; /stats gives the same as JSON.
struct SandboxStats {
  SandboxCounts total;
  std::map<std::string, SandboxCounts> models;  // By their ids, see SandboxOptions::models.
  // "key 1" is the one of the first request; the keys themselves are never told. Where all share
  // their counters there is only this one.
  std::map<std::string, SandboxCounts> keys;
  // Refusals by the name of the limit; those over all models begin with "total ".
  std::map<std::string, std::int64_t> refused_by;
  std::int64_t granted_60s_max = 0;  // The most granted within any 60 s, to the millisecond.
  SandboxFaultStats faults;          // Drawn so far, whether or not the answer is out yet.
  std::int64_t charged = 0;          // Granted and not an error, or a scripted success.
  std::int64_t abandoned = 0;        // The client left before its answer. Charged all the same.
  std::int64_t invalid = 0;          // Answered with 4xx other than 429.
  std::int64_t outage = 0;  // Answered with 503 in the outage: neither granted nor charged.
  std::map<std::string, std::int64_t> scripted;  // Replies by name; limits do not see them.
  SandboxLinkStats links;
  std::int64_t keys_leaked = 0;              // Downloads that carried a key. They were refused.
  std::map<std::string, std::int64_t> bill;  // X-Client-Request-Id to how often it was charged.
  std::int64_t bill_dropped = 0;             // Charges of further ids, beyond sandbox_bill_ids_max.
};

// The destructor stops at once: requests in flight get no answer. It joins the thread.
class SandboxServer : public Port {
 public:
  // Listens and serves from then on. Raises the soft limit of open descriptors of this process
  // where it is low. Fails with invalid_input for bad options, a file of replies that cannot be
  // read, or a port that is taken, with io where the system refuses.
  static Result<std::unique_ptr<SandboxServer>> start(const SandboxOptions& options);

  [[nodiscard]] virtual std::uint16_t port() const = 0;

  // "http://127.0.0.1:PORT/v1", to be used as the base_url of a provider with OpenAI's API.
  [[nodiscard]] std::string base_url() const;

  [[nodiscard]] virtual SandboxStats stats() const = 0;
};

// Serves until `stop_descriptor` is readable; `ready` is called once with the base_url as soon as
// requests are answered. Fails as SandboxServer::start does.
Result<void> serve_sandbox(const SandboxOptions& options, int stop_descriptor,
                           const std::function<void(const std::string& base_url)>& ready);

}  // namespace ratebatch::sandbox
