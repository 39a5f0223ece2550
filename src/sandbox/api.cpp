#include "sandbox/api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ratebatch/base/integers.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::sandbox {

tl::unexpected<Trouble> no_such_path(const Question& question) {
  return tl::unexpected<Trouble>(Trouble{
      .kind = Trouble::Kind::not_found,
      .message = fmt::format("Invalid URL ({} {})", question.method, escaped(question.path))});
}

std::optional<Trouble> check_method(const Question& question, std::string_view method) {
  if (question.method == method) return std::nullopt;
  return Trouble{.kind = Trouble::Kind::wrong_method,
                 .message = fmt::format("Not allowed to {} on {}; use {}", question.method,
                                        escaped(question.path), method),
                 .allowed = std::string(method)};
}

ApiError error_of(const ErrorTable& table, const Trouble& trouble) {
  const ErrorWords& words = table.at(static_cast<std::size_t>(trouble.kind));
  const auto either = [](std::string_view own, const std::string& other) {
    return own.empty() ? other : std::string(own);
  };
  return {.status = words.status,
          .message = either(words.message, trouble.message),
          .type = words.type,
          .code = either(words.code, trouble.code),
          .param = trouble.param};
}

std::string words_of(Resource resource) {
  std::string words(to_string(resource));
  std::ranges::replace(words, '_', ' ');
  return words;
}

std::string go_duration(Duration d) {
  const std::int64_t ms = divide_up(std::max<std::int64_t>(d.count(), 0), 1'000'000);
  if (ms == 0) return "0s";
  if (ms < 1000) return fmt::format("{}ms", ms);
  const std::int64_t s = ms / 1000;
  std::string seconds = fmt::format("{}", s % 60);
  if (ms % 1000 != 0) {
    seconds += fmt::format(".{:03}", ms % 1000);
    seconds.erase(seconds.find_last_not_of('0') + 1);
  }
  if (s < 60) return seconds + "s";
  if (s < 3600) return fmt::format("{}m{}s", s / 60, seconds);
  return fmt::format("{}h{}m{}s", s / 3600, s / 60 % 60, seconds);
}

void add_wait(Reply& reply, const char* header, const Trouble& trouble) {
  if (!trouble.tells_numbers) return;
  Duration wait{};
  if (trouble.kind != Trouble::Kind::too_many_at_once) {
    // What never fits need not be tried again.
    if (trouble.kind != Trouble::Kind::rate_limited || !trouble.limit) return;
    wait = trouble.limit->reading.wait;
  }
  const std::int64_t seconds = std::max<std::int64_t>(divide_up(wait.count(), 1'000'000'000), 1);
  reply.headers.push_back({header, std::to_string(seconds)});
}

}  // namespace ratebatch::sandbox
