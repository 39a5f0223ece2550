#include "sandbox/openai_bodies.hpp"

#include <fmt/format.h>

#include <array>
#include <bit>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/random.hpp"
#include "sandbox/audio.hpp"
#include "sandbox/json_body.hpp"
#include "sandbox/picture.hpp"
#include "sandbox/prose.hpp"

namespace ratebatch::sandbox {
namespace {

using Kind = Generation::Kind;

// Speech of 150 words a minute has about 15 characters a second.
constexpr std::int64_t spoken_characters_per_second = 15;

// What every body is made from.
struct Making {
  const Generation& asked;
  const AnswerMark& mark;
  const SandboxOptions& options;
  OpenAiFlavour flavour;

  [[nodiscard]] std::int64_t created_s() const { return mark.created.ns / 1'000'000'000; }
  [[nodiscard]] Amounts use() const { return use_of(asked, options); }
};

std::int64_t used(const Amounts& use, Resource resource) { return use[index_of(resource)]; }

// The text is the dear part: it is made but once for both.
struct TextAndUse {
  AnswerText answer;
  std::int64_t input = 0;

  explicit TextAndUse(const Making& m)
      : answer(text_for(m.asked, m.options)), input(token_count(m.asked.input_characters)) {}
  [[nodiscard]] std::int64_t total() const { return input + answer.tokens; }
};

Reply chat(const Making& m) {
  TextAndUse made(m);
  const char* reason = made.answer.cut                        ? "length"
                       : m.flavour == OpenAiFlavour::together ? "eos"
                                                              : "stop";
  Json usage = {{"prompt_tokens", made.input},
                {"completion_tokens", made.answer.tokens},
                {"total_tokens", made.total()}};
  if (m.flavour == OpenAiFlavour::openai) {
    usage["prompt_tokens_details"] = {{"cached_tokens", 0}};
    usage["completion_tokens_details"] = {{"reasoning_tokens", 0}};
  }
  Json message = {{"role", "assistant"}, {"content", std::move(made.answer.text)}};
  if (m.flavour == OpenAiFlavour::openai) message["refusal"] = nullptr;
  Json body = {{"id", "chatcmpl-" + m.mark.id},
               {"object", "chat.completion"},
               {"created", m.created_s()},
               {"model", m.asked.model},
               {"choices", Json::array({{{"index", 0},
                                         {"message", std::move(message)},
                                         {"logprobs", nullptr},
                                         {"finish_reason", reason}}})},
               {"usage", std::move(usage)}};
  if (m.flavour == OpenAiFlavour::openai) body["system_fingerprint"] = "fp_sandbox";
  return json_reply(200, written(body));
}

Reply responses(const Making& m) {
  TextAndUse made(m);
  const bool cut = made.answer.cut;
  const char* status = cut ? "incomplete" : "completed";
  Json content = Json::array({{{"type", "output_text"},
                               {"text", std::move(made.answer.text)},
                               {"annotations", Json::array()}}});
  return json_reply(
      200, written({{"id", "resp_" + m.mark.id},
                    {"object", "response"},
                    {"created_at", m.created_s()},
                    {"status", status},
                    {"error", nullptr},
                    {"incomplete_details", cut ? Json{{"reason", "max_output_tokens"}} : Json()},
                    {"model", m.asked.model},
                    {"output", Json::array({{{"type", "message"},
                                             {"id", "msg_" + m.mark.id},
                                             {"status", status},
                                             {"role", "assistant"},
                                             {"content", std::move(content)}}})},
                    {"usage",
                     {{"input_tokens", made.input},
                      {"input_tokens_details", {{"cached_tokens", 0}}},
                      {"output_tokens", made.answer.tokens},
                      {"output_tokens_details", {{"reasoning_tokens", 0}}},
                      {"total_tokens", made.total()}}}}));
}

Reply completion(const Making& m) {
  TextAndUse made(m);
  return json_reply(
      200,
      written({{"id", "cmpl-" + m.mark.id},
               {"object", "text_completion"},
               {"created", m.created_s()},
               {"model", m.asked.model},
               {"choices", Json::array({{{"index", 0},
                                         {"text", std::move(made.answer.text)},
                                         {"logprobs", nullptr},
                                         {"finish_reason", made.answer.cut ? "length" : "stop"}}})},
               {"usage",
                {{"prompt_tokens", made.input},
                 {"completion_tokens", made.answer.tokens},
                 {"total_tokens", made.total()}}}}));
}

// The pictures of an answer, and the numbers of those that written_with_pictures puts in.
Json picture_list(const Making& m, std::vector<std::uint64_t>& embedded) {
  const bool links = answers_with_links(m.asked, m.options);
  Json list = Json::array();
  for (std::int64_t i = 0; i < m.asked.pictures; ++i) {
    const std::uint64_t number = picture_number(m.asked, m.options, i);
    Json item = {
        {links ? "url" : "b64_json", links ? picture_url(m.mark, number) : picture_mark()}};
    if (!links) embedded.push_back(number);
    if (m.flavour == OpenAiFlavour::together) {
      item["index"] = i;
      item["type"] = links ? "url" : "b64_json";
    }
    list.push_back(std::move(item));
  }
  return list;
}

Reply image(const Making& m) {
  std::vector<std::uint64_t> embedded;
  Json body = {{"data", picture_list(m, embedded)}};
  if (m.flavour == OpenAiFlavour::together) {
    body["id"] = m.mark.id;
    body["model"] = m.asked.model;
    body["object"] = "list";
  } else {
    body["created"] = m.created_s();
  }
  // OpenAI: only its GPT image models tell what they used.
  if (m.flavour == OpenAiFlavour::openai && !m.asked.model.starts_with("dall-e")) {
    const Amounts use = m.use();
    const std::int64_t input = used(use, Resource::input_tokens);
    body["background"] = "opaque";
    body["output_format"] = "png";
    body["size"] = m.asked.size;
    body["quality"] = "low";
    body["usage"] = {{"total_tokens", used(use, Resource::tokens)},
                     {"input_tokens", input},
                     {"output_tokens", used(use, Resource::output_tokens)},
                     {"input_tokens_details", {{"text_tokens", input}, {"image_tokens", 0}}}};
  }
  return json_reply(200, written_with_pictures(body, embedded, m.options.image_bytes));
}

Reply speech(const Making& m) {
  Audio audio = spoken(m.asked.prompt, m.asked.format, m.options.seed);
  return {200, {{"Content-Type", std::move(audio.content_type)}}, std::move(audio.bytes)};
}

std::string subtitles(std::string_view text, std::int64_t seconds, bool is_vtt) {
  const char mark = is_vtt ? '.' : ',';
  const std::string cue = fmt::format("00:00:00{}000 --> {:02}:{:02}:{:02}{}000\n{}\n", mark,
                                      seconds / 3600, seconds / 60 % 60, seconds % 60, mark, text);
  return (is_vtt ? "WEBVTT\n\n" : "1\n") + cue;
}

Reply transcription(const Making& m) {
  const AnswerText answer = text_for(m.asked, m.options);
  const std::int64_t seconds = character_count(answer.text) / spoken_characters_per_second + 1;
  const std::string& format = m.asked.format;
  if (format == "text" || format == "srt" || format == "vtt") {
    return {
        200,
        {{"Content-Type", "text/plain; charset=utf-8"}},
        format == "text" ? answer.text + "\n" : subtitles(answer.text, seconds, format == "vtt")};
  }
  if (format == "verbose_json") {
    return json_reply(
        200,
        written(
            {{"task", "transcribe"},
             {"language", "english"},
             {"duration", seconds},
             {"text", answer.text},
             {"segments",
              Json::array({{{"id", 0}, {"start", 0}, {"end", seconds}, {"text", answer.text}}})},
             {"usage", {{"type", "duration"}, {"seconds", seconds}}}}));
  }
  const Amounts use = m.use();
  return json_reply(200, written({{"text", answer.text},
                                  {"usage",
                                   {{"type", "tokens"},
                                    {"input_tokens", used(use, Resource::input_tokens)},
                                    {"output_tokens", used(use, Resource::output_tokens)},
                                    {"total_tokens", used(use, Resource::tokens)}}}}));
}

// -1 to 1, to six decimals.
std::vector<double> numbers_of(const Making& m, std::string_view text) {
  Rng rng(mixed(m.options.seed, text));
  std::vector<double> numbers;
  for (std::int64_t i = 0; i < m.asked.dimensions; ++i) {
    numbers.push_back(static_cast<double>(rng.between(-1'000'000, 1'000'000)) / 1e6);
  }
  return numbers;
}

// The bytes of little-endian floats (OpenAI: encoding_format base64).
std::string float_bytes(const std::vector<double>& numbers) {
  std::string bytes;
  for (const double number : numbers) {
    const auto bits = std::bit_cast<std::uint32_t>(static_cast<float>(number));
    for (const unsigned shift : {0U, 8U, 16U, 24U}) {
      bytes += static_cast<char>((bits >> shift) & 0xFFU);
    }
  }
  return bytes;
}

Reply embedding(const Making& m) {
  Json data = Json::array();
  for (std::size_t i = 0; i < m.asked.inputs.size(); ++i) {
    const std::vector<double> numbers = numbers_of(m, m.asked.inputs[i]);
    const bool as_text = m.asked.format == "base64";
    data.push_back({{"object", "embedding"},
                    {"index", i},
                    {"embedding", as_text ? Json(base64(float_bytes(numbers))) : Json(numbers)}});
  }
  const std::int64_t input = used(m.use(), Resource::input_tokens);
  return json_reply(200, written({{"object", "list"},
                                  {"data", std::move(data)},
                                  {"model", m.asked.model},
                                  {"usage", {{"prompt_tokens", input}, {"total_tokens", input}}}}));
}

Reply moderation(const Making& m) {
  constexpr std::array<const char*, 5> categories = {"harassment", "hate", "self-harm", "sexual",
                                                     "violence"};
  Json flags;
  Json scores;
  for (const char* category : categories) {
    flags[category] = false;
    scores[category] = 0.001;
  }
  Json results = Json::array();
  for (std::size_t i = 0; i < m.asked.inputs.size(); ++i) {
    results.push_back({{"flagged", false}, {"categories", flags}, {"category_scores", scores}});
  }
  return json_reply(200, written({{"id", "modr-" + m.mark.id},
                                  {"model", m.asked.model},
                                  {"results", std::move(results)}}));
}

// 0 to 1, by the two texts.
double likeness(const Making& m, const std::string& text) {
  Rng rng(mixed(m.options.seed, m.asked.prompt + '\n' + text));
  return static_cast<double>(rng.between(0, 1000)) / 1000;
}

Reply score(const Making& m) {
  Json data = Json::array();
  for (std::size_t i = 0; i < m.asked.inputs.size(); ++i) {
    data.push_back({{"index", i}, {"object", "score"}, {"score", likeness(m, m.asked.inputs[i])}});
  }
  const std::int64_t input = used(m.use(), Resource::input_tokens);
  return json_reply(200, written({{"id", "score-" + m.mark.id},
                                  {"object", "list"},
                                  {"created", m.created_s()},
                                  {"model", m.asked.model},
                                  {"data", std::move(data)},
                                  {"usage", {{"prompt_tokens", input}, {"total_tokens", input}}}}));
}

Reply rerank(const Making& m) {
  Json results = Json::array();
  for (std::size_t i = 0; i < m.asked.inputs.size(); ++i) {
    results.push_back({{"index", i},
                       {"document", {{"text", m.asked.inputs[i]}}},
                       {"relevance_score", likeness(m, m.asked.inputs[i])}});
  }
  return json_reply(
      200, written({{"id", "rerank-" + m.mark.id},
                    {"model", m.asked.model},
                    {"results", std::move(results)},
                    {"usage", {{"total_tokens", used(m.use(), Resource::input_tokens)}}}}));
}

}  // namespace

Reply openai_answer(const Generation& asked, const AnswerMark& mark, const SandboxOptions& options,
                    OpenAiFlavour flavour) {
  const Making m{asked, mark, options, flavour};
  switch (asked.kind) {
    case Kind::chat:
      return chat(m);
    case Kind::responses:
      return responses(m);
    case Kind::completion:
      return completion(m);
    case Kind::image:
      return image(m);
    case Kind::speech:
      return speech(m);
    case Kind::transcription:
      return transcription(m);
    case Kind::embedding:
      return embedding(m);
    case Kind::moderation:
      return moderation(m);
    case Kind::score:
      return score(m);
    case Kind::rerank:
      return rerank(m);
  }
  RB_ASSERT(false);
}

std::string picture_url(const AnswerMark& mark, std::uint64_t number) {
  return fmt::format("{}{:016x}.png", mark.files_url, number);
}

bool answers_with_links(const Generation& asked, const SandboxOptions& options) {
  return options.links || asked.format == "url";
}

}  // namespace ratebatch::sandbox
