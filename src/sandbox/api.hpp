// The port of the sandbox: one provider's API as its server speaks it. One file per API; they know
// no socket, no clock and no counter.
//
// An API reads a request into a Generation, and writes its answer, its errors and its headers. What
// is counted, refused and broken is the Service's business.
#pragma once

#include <array>
#include <cstdint>
#include <memory>
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
    misdirected,  // Meant for another machine.
    rate_limited,
    never_fits,
    too_many_at_once,
    failed,
    overloaded,
  };
  Kind kind = Kind::bad_request;
  std::string message;  // What is wrong with the request, for people; empty from rate_limited on.
  std::string param;    // Which member of it.
  std::string code;     // OpenAI's code for it, where it has one.
  std::string allowed;  // Of wrong_method: the method to use.
  // From rate_limited on:
  std::string model;
  std::optional<LimitView> limit;  // Of rate_limited and never_fits.
  std::int64_t concurrency_max = 0;
  bool tells_numbers = true;  // Off: neither numbers nor waits are told.

  [[nodiscard]] bool is_of_limit() const {
    return kind == Kind::rate_limited || kind == Kind::never_fits;
  }
};
constexpr std::size_t trouble_kind_count = 11;

// What a request asks for, or why it gets no answer.
using ReadRequest = tl::expected<Generation, Trouble>;

tl::unexpected<Trouble> no_such_path(const Question& question);

// The trouble of a request that does not have this method; nullopt if it has it.
std::optional<Trouble> check_method(const Question& question, std::string_view method);

// An error as most APIs tell it.
struct ApiError {
  int status = 400;
  std::string message;
  std::string type = "invalid_request_error";
  std::string code;
  std::string param;
};

// What an API says to one kind of trouble. An empty `message` or `code` is that of the trouble.
struct ErrorWords {
  int status;
  const char* type;
  const char* code = "";
  const char* message = "";
};
using ErrorTable = std::array<ErrorWords, trouble_kind_count>;  // By Trouble::Kind.

ApiError error_of(const ErrorTable& table, const Trouble& trouble);

// "input tokens"
std::string words_of(Resource resource);

// "12ms", "8.64s", "6m0s", "1h0m0s": as Go prints a duration, rounded up to milliseconds.
std::string go_duration(Duration d);

// Adds the header that says in whole seconds how long to stay away, at least one, if the trouble
// tells it.
void add_wait(Reply& reply, const char* header, const Trouble& trouble);

// What an answer tells of itself.
struct AnswerMark {
  std::string id;
  WallTime created;
  Duration took{};
  std::string files_url;  // Where the sandbox serves pictures: with a slash at its end.
};

// What a request costs when it is let in, and to what that is corrected when it ends.
struct Cost {
  Amounts reserved{};
  Amounts settled{};
};

// Where a key is found: the header's value is prefix + key.
struct KeyPlace {
  std::string header;
  std::string prefix;
};

class Api {
 public:
  // `options` outlive the API. `name` is what configurations call it.
  Api(const SandboxOptions& options, std::string_view name, KeyPlace key)
      : options_(options), name_(name), key_(std::move(key)) {}
  Api(const Api&) = delete;
  Api& operator=(const Api&) = delete;
  virtual ~Api() = default;

  [[nodiscard]] std::string_view name() const { return name_; }

  // `rest` is the path behind the API's own prefix, with its slash.
  [[nodiscard]] virtual KeyPlace key_place(const Question& /*question*/,
                                           std::string_view /*rest*/) const {
    return key_;
  }

  // Fails with what the provider would object to, unknown paths and methods included.
  [[nodiscard]] virtual ReadRequest read(const Question& question, std::string_view rest) const = 0;

  // As this provider counts it; `use` is use_of(asked).
  [[nodiscard]] virtual Cost cost(const Generation& /*asked*/, const Amounts& use) const {
    return {use, use};
  }

  // What every reply tells of limits and of what is in flight. Not called where headers are off.
  [[nodiscard]] virtual std::vector<Header> limit_headers(const Decision& /*decision*/,
                                                          Now /*now*/) const {
    return {};
  }

  [[nodiscard]] virtual Reply answer(const Generation& asked, const AnswerMark& mark) const = 0;

  // `id` is of this reply.
  [[nodiscard]] virtual Reply error(const Trouble& trouble, const std::string& id) const = 0;

 protected:
  [[nodiscard]] const SandboxOptions& options() const { return options_; }

 private:
  const SandboxOptions& options_;
  std::string_view name_;
  KeyPlace key_;
};

// All APIs that the sandbox speaks, each of options that outlive it.

// Sources: OpenAI API reference and guides on rate limits and error codes, as of 2026, and refusals
// that users published; /score and /rerank are those of vLLM.
std::unique_ptr<Api> make_openai_api(const SandboxOptions& options);

// OpenAI's form, with limits, errors and pictures of its own. Sources: its documentation, and
// refusals that users published.
std::unique_ptr<Api> make_together_api(const SandboxOptions& options);

// The Messages API. Sources: its API reference, and its pages on rate limits and errors (2026).
std::unique_ptr<Api> make_anthropic_api(const SandboxOptions& options);

// generateContent with texts and pictures. Sources: its API reference, and replies that users
// published.
std::unique_ptr<Api> make_gemini_api(const SandboxOptions& options);

// Text to speech and speech to text. Sources: its API reference and page on errors (2026), and
// replies that users published.
std::unique_ptr<Api> make_elevenlabs_api(const SandboxOptions& options);

// APIs that their users describe in the configuration: any path and method, and answers in the form
// that the model's HttpApi expects.
std::unique_ptr<Api> make_described_api(const SandboxOptions& options);

}  // namespace ratebatch::sandbox
