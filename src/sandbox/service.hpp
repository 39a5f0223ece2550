// What the sandbox answers, without a socket: a request and a time in, a reply or an admission out.
//
// An admitted request is in flight until its owner (the HTTP side) has asked for its answer and
// called end(). Used by one thread; the ledger alone is shared.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ratebatch/base/random.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/http.hpp"
#include "ratebatch/sandbox/sandbox_options.hpp"
#include "sandbox/gate.hpp"
#include "sandbox/ledger.hpp"
#include "sandbox/openai_bodies.hpp"

namespace ratebatch::sandbox {

// OpenAI: a longer X-Client-Request-Id, or one that is not ASCII, is answered with 400.
constexpr std::size_t client_id_bytes_max = 512;

// Views into what the HTTP side holds; an absent header is empty.
struct Question {
  std::string_view method;
  std::string_view path;
  std::string_view authorization;
  std::string_view client_id;
  std::string_view body;
};

struct Reply {
  int status = 200;
  std::vector<Header> headers;
  std::string body;
};

// A request that passed: it is counted, and due after `delay` (never, if it hangs).
struct Admitted {
  Generation asked;
  Fault fault = Fault::none;
  int error_status = 500;  // If the fault is an error.
  Duration delay{};
  Instant arrived;
  AnswerMark mark;
  std::vector<Header> headers;
  Customer customer;
  Grant grant;
  Amounts use{};
};

class Service {
 public:
  // `options` and `ledger` outlive the service. Precondition: check_sandbox_options(options).
  Service(const SandboxOptions& options, Ledger& ledger, Now start);

  std::variant<Reply, Admitted> ask(const Question& question, Now now);

  // The reply of an admitted request, as its fault has it: a truncated one is whole here, since
  // only the HTTP side can break it off. Precondition: the fault is neither reset nor hang.
  [[nodiscard]] Reply answer(const Admitted& admitted, Instant now) const;

  // The request is no longer in flight, and what it used is known; `abandoned`: its client left
  // first.
  void end(const Admitted& admitted, bool abandoned, Now now);

  // A 4xx that the HTTP side found out, with the body of the dialect.
  Reply reject(const ApiError& error);

 private:
  std::variant<Reply, Admitted> generate(Generation::Kind kind, const Question& question, Now now);
  [[nodiscard]] std::optional<ApiError> fault_of_sender(const Question& question) const;
  [[nodiscard]] bool is_out(const std::string& model, Instant now) const;
  std::variant<Reply, Admitted> decide(Generation asked, const Question& question, Now now);
  Admitted admit(Generation asked, const Amounts& use, Decision decision, Now now);
  Reply refuse(const Decision& decision, const std::string& model);
  void add_limit_headers(std::vector<Header>& headers, const Decision& decision) const;
  Fault draw_fault();
  std::string next_id();

  const SandboxOptions& options_;
  Ledger& ledger_;
  Instant start_;
  Gate gate_;
  Rng faults_;
  Rng ids_;
};

}  // namespace ratebatch::sandbox
