// What the sandbox answers, without a socket: a request and a time in, a reply or an admission out.
//
// An admitted request is in flight until its owner (the HTTP side) has asked for its answer and
// called end(). Used by one thread; the ledger alone is shared.
#pragma once

#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

#include "ratebatch/base/random.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/sandbox/sandbox_options.hpp"
#include "sandbox/api.hpp"
#include "sandbox/gate.hpp"
#include "sandbox/ledger.hpp"
#include "sandbox/question.hpp"
#include "sandbox/scripted.hpp"

namespace ratebatch::sandbox {

// OpenAI: a longer X-Client-Request-Id, or one that is not ASCII, is answered with 400. Here it is
// so at every API, since the bill is kept by it.
constexpr std::size_t client_id_bytes_max = 512;

// A request that passed: it is counted, and due after `delay` (never, if it hangs).
struct Admitted {
  const Api* api = nullptr;  // Lives as long as the service.
  Generation asked;
  Fault fault = Fault::none;
  Trouble::Kind error = Trouble::Kind::failed;  // If the fault is an error.
  Duration delay{};
  Instant arrived;
  AnswerMark mark;
  std::vector<Header> headers;
  Customer customer;
  Grant grant;
  Amounts use{};      // Of each resource.
  Amounts charged{};  // The same as its limits count it in the end.
};

class Service {
 public:
  // `options` and `ledger` outlive the service. Precondition: check_sandbox_options(options).
  Service(const SandboxOptions& options, Ledger& ledger, Now start, Script script = {});

  std::variant<Reply, Admitted> ask(const Question& question, Now now);

  // The reply of an admitted request, as its fault has it: a truncated one is whole here, since
  // only the HTTP side can break it off. Precondition: the fault is neither reset nor hang.
  [[nodiscard]] Reply answer(const Admitted& admitted, Instant now) const;

  // The request is no longer in flight, and what it used is known; `abandoned`: its client left
  // first.
  void end(const Admitted& admitted, bool abandoned, Now now);

  // The reply to a request that was meant for another host.
  Reply misdirected();

 private:
  struct Found {
    const Api* api = nullptr;
    std::string_view rest;  // Of the path.
  };

  std::optional<Reply> own_reply(const Question& question);
  Reply picture(const Question& question, std::string_view name);
  std::optional<Reply> scripted_reply(const Question& question);
  [[nodiscard]] std::optional<Found> find_api(std::string_view path) const;
  std::variant<Reply, Admitted> generate(const Found& found, const Question& question, Now now);
  [[nodiscard]] std::optional<Trouble> check_sender(const Found& found,
                                                    const Question& question) const;
  [[nodiscard]] bool is_in_outage(const Generation& asked, Instant now) const;
  std::variant<Reply, Admitted> decide(const Found& found, Generation asked,
                                       const Question& question, Now now);
  Admitted admit(const Api& api, Generation asked, Decision decision, Now now);
  Reply reject(const Api& api, const Trouble& trouble);
  Reply refuse(const Api& api, const Decision& decision, const Generation& asked, Now now);
  [[nodiscard]] std::vector<Header> limit_headers(const Api& api, const Decision& decision,
                                                  Now now) const;
  Fault draw_fault();
  std::string next_id();

  const SandboxOptions& options_;
  Ledger& ledger_;
  Instant start_;
  Gate gate_;
  Script script_;
  std::vector<std::unique_ptr<Api>> apis_;  // OpenAI's is the first, that of users the last.
  Rng faults_;
  Rng ids_;
  Rng downloads_;
};

}  // namespace ratebatch::sandbox
