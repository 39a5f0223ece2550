// The port of the sandbox: one provider's API as its server speaks it. One file per API; they know
// no socket, no clock and no counter.
//
// An API reads a request into a Generation, and writes its answer, its errors and its headers. What
// is counted, refused and broken is the Service's business.
#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "sandbox/gate.hpp"
#include "sandbox/generation.hpp"
#include "sandbox/question.hpp"

namespace ratebatch::sandbox {

// Why a request gets no answer.
struct Trouble {
  enum class Kind : std::uint8_t {
    bad_request,
    body_too_large,
    wrong_key,
    not_found,
    wrong_method,
    elsewhere,  // Meant for another machine.
    rate_limited,
    never_fits,
    too_many_at_once,
    failed,
    overloaded,
  };
  Kind kind = Kind::bad_request;
  std::string message;  // What is wrong with the request, for people; empty from rate_limited on.
  std::string param;    // Which member of it.
  std::string code;     // OpenAI's word for it, where it has one.
  std::string allowed;  // Of wrong_method: the method to use.
  // From rate_limited on:
  std::string model;
  std::optional<LimitView> limit;  // Of rate_limited and never_fits.
  std::int64_t concurrency_max = 0;
  bool tells_numbers = true;  // Off: neither numbers nor waits are told.
};

// The status that most APIs have for it.
int usual_status(Trouble::Kind kind);

tl::unexpected<Trouble> refuse(std::string message, std::string param = "", std::string code = "");
tl::unexpected<Trouble> no_such_path(const Question& question);

// Fails unless the request has this method.
tl::expected<void, Trouble> expect_method(const Question& question, std::string_view method);

// A wait in whole seconds, rounded up, at least one.
std::string whole_seconds(Duration wait);

// How long to stay away, if the trouble tells.
std::optional<Duration> wait_of(const Trouble& trouble);

// What an answer tells of itself.
struct AnswerMark {
  std::string id;
  WallTime created;
  Duration took{};
  std::string files_url;  // Where the sandbox serves pictures: with a slash at its end.
};

// What a request costs when it is let in, and to what that is corrected when it ends.
struct Cost {
  Amounts at_first{};
  Amounts in_the_end{};
};

// Where a key is found: the header's value is prefix + key.
struct KeyPlace {
  std::string header;
  std::string prefix;
};

class Api {
 public:
  // `options` outlive the API.
  explicit Api(const SandboxOptions& options) : options_(options) {}
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;
  virtual ~Api() = default;

  // As configurations call it.
  [[nodiscard]] virtual std::string_view name() const = 0;

  // `rest` is the path behind the API's own prefix, with its slash.
  [[nodiscard]] virtual KeyPlace key_place(const Question& question,
                                           std::string_view rest) const = 0;

  // Fails with what the provider would object to, unknown paths and methods included.
  [[nodiscard]] virtual tl::expected<Generation, Trouble> read(const Question& question,
                                                               std::string_view rest) const = 0;

  // As this provider counts it; `use` is use_of(asked).
  [[nodiscard]] virtual Cost cost(const Generation& asked, const Amounts& use) const;

  // What every reply tells of limits and of what is in flight. Not called where headers are off.
  [[nodiscard]] virtual std::vector<Header> limit_headers(const Decision& decision,
                                                          Now now) const = 0;

  [[nodiscard]] virtual Reply answer(const Generation& asked, const AnswerMark& mark) const = 0;

  // `id` is of this reply.
  [[nodiscard]] virtual Reply error(const Trouble& trouble, const std::string& id) const = 0;

 protected:
  [[nodiscard]] const SandboxOptions& options() const { return options_; }

 private:
  const SandboxOptions& options_;
};

}  // namespace ratebatch::sandbox
