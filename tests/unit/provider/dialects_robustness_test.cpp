// Whatever a server sends, every dialect reads it to its end, and what comes of it keeps its
// bounds.
#include <doctest/doctest.h>

#include <cstdint>
#include <filesystem>
#include <fstream>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/base/random.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::dialects_robustness_test {

using namespace provider;

namespace {

const HttpApi described = {.result = "/candidates/0/content",
                           .finish_reason = "/stop_reason",
                           .input_tokens = "/usage/input_tokens",
                           .output_tokens = "/usage/output_tokens",
                           .characters = "/usage/characters",
                           .error_message = "/error/message",
                           .error_code = "/error/code"};

// The lines of the corpus as they are: JSON that holds replies of all APIs.
std::vector<std::string> read_lines() {
  std::vector<std::string> lines;
  for (const auto& entry :
       std::filesystem::directory_iterator(RATEBATCH_SOURCE_DIR "/tests/corpus")) {
    std::ifstream in(entry.path());
    std::string line;
    while (std::getline(in, line)) {
      const std::size_t start = line.find("\"body\":");
      const std::size_t end = line.find(",\"expect\":");
      if (start == std::string::npos || end == std::string::npos) continue;
      lines.push_back(line.substr(start + 7, end - start - 7));
    }
  }
  return lines;
}

std::string changed(std::string text, Rng& rng) {
  constexpr std::string_view bytes = "{}[]\",:0 9e-\\u\xC3\xFF\x01tfn";
  for (std::uint64_t left = rng.below(4); left > 0 && !text.empty(); --left) {
    const std::size_t at = rng.below(text.size());
    if (rng.chance(300))
      text.resize(at);
    else if (rng.chance(500))
      text.erase(at, 1 + rng.below(8));
    else
      text[at] = bytes[rng.below(bytes.size())];
  }
  return text;
}

void check_bounds(const Outcome& outcome) {
  CHECK(outcome.message.size() <= 1000);
  CHECK(is_valid_utf8(outcome.request_id));
  const bool is_done = outcome.kind == OutcomeClass::done;
  CHECK(outcome.answer.has_value() == is_done);
  CHECK(outcome.message.empty() == is_done);
  CHECK((!outcome.unreadable || outcome.kind == OutcomeClass::bad_reply));
  CHECK(outcome.usage.input_tokens >= 0);
  CHECK(outcome.usage.output_tokens >= 0);
  CHECK(outcome.usage.images >= 0);
  CHECK(outcome.usage.characters >= 0);
  if (!outcome.answer) return;
  CHECK(is_valid_utf8(outcome.answer->text));
  CHECK(is_valid_utf8(outcome.answer->body_json));
  CHECK(is_valid_utf8(outcome.answer->finish_reason));
  CHECK(outcome.answer->body_json.find('\n') == std::string::npos);
}

TEST_CASE("changed replies of all APIs never break the bounds of any dialect's outcomes") {
  const std::vector<std::string> lines = read_lines();
  REQUIRE(lines.size() >= 200);
  Rng rng(20'261'122);
  for (const std::string& line : lines) {
    for (const std::string_view api : dialect_names()) {
      const auto kind = static_cast<ModelKind>(rng.below(model_kind_count));
      HttpReply reply{.status = rng.chance(800) ? 200 : static_cast<std::int32_t>(rng.below(600)),
                      .body = changed(line, rng)};
      if (rng.chance(500)) reply.headers.push_back({"content-type", "application/json"});
      Endpoint endpoint{.kind = kind};
      if (api == "http") endpoint.http = rng.chance(500) ? described : HttpApi{};
      CAPTURE(api);
      CAPTURE(to_string(kind));
      CAPTURE(reply.body);
      check_bounds(
          find_dialect(api)->read(reply, endpoint, {.kind = kind, .raw_body = rng.chance(300)}));
    }
  }
}

TEST_CASE("counts that no answer has do not overflow") {
  const std::string most = "9223372036854775807";
  const Outcome anthropic =
      find_dialect("anthropic")
          ->read({.status = 200,
                  .body = R"({"content":[{"type":"text","text":"a"}],"usage":{"input_tokens":)" +
                          most + R"(,"cache_creation_input_tokens":)" + most + "}}"},
                 {}, {});
  CHECK(anthropic.usage.input_tokens == usage_max);
  const Outcome gemini = find_dialect("gemini")->read(
      {.status = 200,
       .body = R"({"candidates":[{"content":{"parts":[{"text":"a"}]}}],"usageMetadata":)"
               R"({"candidatesTokenCount":)" +
               most + R"(,"thoughtsTokenCount":)" + most + "}}"},
      {}, {});
  CHECK(gemini.usage.output_tokens == usage_max);
}

}  // namespace
}  // namespace ratebatch::dialects_robustness_test
