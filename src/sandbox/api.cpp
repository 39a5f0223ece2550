#include "sandbox/api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::sandbox {

int usual_status(Trouble::Kind kind) {
  switch (kind) {
    case Trouble::Kind::bad_request:
      return 400;
    case Trouble::Kind::body_too_large:
      return 413;
    case Trouble::Kind::wrong_key:
      return 401;
    case Trouble::Kind::not_found:
      return 404;
    case Trouble::Kind::wrong_method:
      return 405;
    case Trouble::Kind::elsewhere:
      return 421;
    case Trouble::Kind::rate_limited:
    case Trouble::Kind::never_fits:
    case Trouble::Kind::too_many_at_once:
      return 429;
    case Trouble::Kind::failed:
      return 500;
    case Trouble::Kind::overloaded:
      return 503;
  }
  RB_ASSERT(false);
}

tl::unexpected<Trouble> refuse(std::string message, std::string param, std::string code) {
  return tl::unexpected<Trouble>(
      Trouble{.message = std::move(message), .param = std::move(param), .code = std::move(code)});
}

tl::unexpected<Trouble> no_such_path(const Question& question) {
  return tl::unexpected<Trouble>(Trouble{
      .kind = Trouble::Kind::not_found,
      .message = fmt::format("Invalid URL ({} {})", question.method, escaped(question.path))});
}

tl::expected<void, Trouble> expect_method(const Question& question, std::string_view method) {
  if (question.method == method) return {};
  return tl::unexpected<Trouble>(
      Trouble{.kind = Trouble::Kind::wrong_method,
              .message = fmt::format("Not allowed to {} on {}; use {}", question.method,
                                     escaped(question.path), method),
              .allowed = std::string(method)});
}

std::string whole_seconds(Duration wait) {
  const std::int64_t seconds = (wait.count() + 999'999'999) / 1'000'000'000;
  return std::to_string(std::max<std::int64_t>(seconds, 1));
}

std::optional<Duration> wait_of(const Trouble& trouble) {
  if (!trouble.tells_numbers) return std::nullopt;
  if (trouble.kind == Trouble::Kind::too_many_at_once) return Duration{};
  // What never fits need not be tried again.
  if (trouble.kind != Trouble::Kind::rate_limited || !trouble.limit) return std::nullopt;
  return trouble.limit->reading.wait;
}

Cost Api::cost(const Generation& /*asked*/, const Amounts& use) const { return {use, use}; }

}  // namespace ratebatch::sandbox
