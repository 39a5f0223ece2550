#include <fmt/format.h>

#include <array>
#include <bit>
#include <cstdint>

#include "ratebatch/base/base64.hpp"
#include "ratebatch/base/random.hpp"
#include "ratebatch/base/text.hpp"
#include "sandbox/canned_answers.hpp"
#include "sandbox/json_body.hpp"
#include "sandbox/openai.hpp"

namespace ratebatch::sandbox {
namespace {

using Kind = Generation::Kind;

// Speech of 150 words a minute has about 15 characters a second.
constexpr std::int64_t spoken_characters_per_second = 15;

// The form of a body: $items stands for one `item` for each picture or input.
struct BodyForm {
  std::string_view body;
  std::string_view item = {};
};

// By kind. Speech is no JSON: see openai_answer.
constexpr std::array<BodyForm, 10> openai_forms = {{
    {R"({"choices":[{"finish_reason":$reason,"index":0,"logprobs":null,"message":{"content":$text,)"
     R"("refusal":null,"role":"assistant"}}],"created":$created,"id":"chatcmpl-$id",)"
     R"("model":$model,"object":"chat.completion","system_fingerprint":"fp_sandbox",)"
     R"("usage":{"completion_tokens":$output,"completion_tokens_details":{"reasoning_tokens":0},)"
     R"("prompt_tokens":$input,"prompt_tokens_details":{"cached_tokens":0},)"
     R"("total_tokens":$total}})"},
    {R"({"created_at":$created,"error":null,"id":"resp_$id","incomplete_details":$incomplete,)"
     R"("model":$model,"object":"response","output":[{"content":[{"annotations":[],"text":$text,)"
     R"("type":"output_text"}],"id":"msg_$id","role":"assistant","status":$status,)"
     R"("type":"message"}],"status":$status,"usage":{"input_tokens":$input,)"
     R"("input_tokens_details":{"cached_tokens":0},"output_tokens":$output,)"
     R"("output_tokens_details":{"reasoning_tokens":0},"total_tokens":$total}})"},
    {R"({"choices":[{"finish_reason":$reason,"index":0,"logprobs":null,"text":$text}],)"
     R"("created":$created,"id":"cmpl-$id","model":$model,"object":"text_completion",)"
     R"("usage":{"completion_tokens":$output,"prompt_tokens":$input,"total_tokens":$total}})"},
    {R"({"background":"opaque","created":$created,"data":[$items],"output_format":"png",)"
     R"("quality":"low","size":$size,"usage":{"input_tokens":$input,"input_tokens_details":)"
     R"({"image_tokens":0,"text_tokens":$input},"output_tokens":$output,"total_tokens":$total}})",
     R"({"$format":$picture})"},
    {""},
    {R"({"text":$text,"usage":{"input_tokens":$input,"output_tokens":$output,)"
     R"("total_tokens":$total,"type":"tokens"}})"},
    {R"({"data":[$items],"model":$model,"object":"list",)"
     R"("usage":{"prompt_tokens":$input,"total_tokens":$input}})",
     R"({"embedding":$embedding,"index":$index,"object":"embedding"})"},
    {R"({"id":"modr-$id","model":$model,"results":[$items]})",
     R"({"categories":{"harassment":false,"hate":false,"self-harm":false,"sexual":false,)"
     R"("violence":false},"category_scores":{"harassment":0.001,"hate":0.001,"self-harm":0.001,)"
     R"("sexual":0.001,"violence":0.001},"flagged":false})"},
    {R"({"created":$created,"data":[$items],"id":"score-$id","model":$model,"object":"list",)"
     R"("usage":{"prompt_tokens":$input,"total_tokens":$input}})",
     R"({"index":$index,"object":"score","score":$score})"},
    {R"({"id":"rerank-$id","model":$model,"results":[$items],"usage":{"total_tokens":$input}})",
     R"({"document":{"text":$document},"index":$index,"relevance_score":$score})"},
}};

constexpr BodyForm together_chat = {
    R"({"choices":[{"finish_reason":$reason,"index":0,"logprobs":null,"message":{"content":$text,)"
    R"("role":"assistant"}}],"created":$created,"id":"chatcmpl-$id","model":$model,)"
    R"("object":"chat.completion","usage":{"completion_tokens":$output,"prompt_tokens":$input,)"
    R"("total_tokens":$total}})"};

constexpr BodyForm together_image = {
    R"({"data":[$items],"id":"$id","model":$model,"object":"list"})",
    R"({"$format":$picture,"index":$index,"type":"$format"})"};

// OpenAI: only its GPT image models tell what they used.
constexpr BodyForm dall_e_image = {R"({"created":$created,"data":[$items]})",
                                   R"({"$format":$picture})"};

constexpr BodyForm verbose_transcription = {
    R"({"duration":$seconds,"language":"english","segments":[{"end":$seconds,"id":0,"start":0,)"
    R"("text":$text}],"task":"transcribe","text":$text,)"
    R"("usage":{"seconds":$seconds,"type":"duration"}})"};

const BodyForm& form_of(const Generation& asked, OpenAiFlavour flavour) {
  const bool is_together = flavour == OpenAiFlavour::together;
  if (asked.kind == Kind::chat && is_together) return together_chat;
  if (asked.kind == Kind::image && is_together) return together_image;
  if (asked.kind == Kind::image && asked.model.starts_with("dall-e")) return dall_e_image;
  if (asked.kind == Kind::transcription && asked.format == "verbose_json") {
    return verbose_transcription;
  }
  return openai_forms.at(static_cast<std::size_t>(asked.kind));
}

// Numbers of -1 to 1, to six decimals, as a list or as the bytes of little-endian floats in base64
// (OpenAI: encoding_format).
void append_embedding(std::string& out, const Generation& asked, std::uint64_t number) {
  Rng rng(number);
  std::string list;
  std::string bytes;
  for (std::int64_t i = 0; i < asked.dimensions; ++i) {
    const double value = static_cast<double>(rng.between(-1'000'000, 1'000'000)) / 1e6;
    list += fmt::format("{}{}", list.empty() ? "" : ",", value);
    put_little(bytes, std::bit_cast<std::uint32_t>(static_cast<float>(value)));
  }
  const bool as_text = asked.format == "base64";
  out += as_text ? '"' + encode_base64(bytes) + '"' : '[' + list + ']';
}

// Of one picture or input.
void append_item(std::string& out, std::string_view form, const Generation& asked,
                 const AnswerMark& mark, const SandboxOptions& options, std::size_t index) {
  const bool has_input = index < asked.inputs.size();
  const std::string_view input = has_input ? asked.inputs[index] : std::string_view{};
  const auto number = static_cast<std::int64_t>(index);
  const bool links = answers_with_links(asked, options);
  const std::uint64_t picture = picture_number(asked, options, number);
  const auto append_picture = [&](std::string& to) {
    to += '"';
    links ? void(to += picture_url(mark, picture))
          : append_base64(to, picture_png(picture, options.image_bytes));
    to += '"';
  };
  // Of score and rerank: 0 to 1, by the two texts.
  const auto append_score = [&](std::string& to) {
    Rng rng(mixed(options.seed, asked.prompt + '\n' + std::string(input)));
    to += fmt::format("{}", static_cast<double>(rng.between(0, 1000)) / 1000);
  };
  out += filled(form, {{"index", number},
                       {"document", input},
                       {"format", raw(links ? "url" : "b64_json")},
                       {"picture", append_picture},
                       {"score", append_score},
                       {"embedding", [&](std::string& to) {
                          append_embedding(to, asked, mixed(options.seed, input));
                        }}});
}

std::string subtitles(std::string_view text, std::int64_t seconds, bool is_vtt) {
  const char mark = is_vtt ? '.' : ',';
  const std::string cue = fmt::format("00:00:00{}000 --> {:02}:{:02}:{:02}{}000\n{}\n", mark,
                                      seconds / 3600, seconds / 60 % 60, seconds % 60, mark, text);
  return (is_vtt ? "WEBVTT\n\n" : "1\n") + cue;
}

}  // namespace

Reply openai_answer(const Generation& asked, const AnswerMark& mark, const SandboxOptions& options,
                    OpenAiFlavour flavour) {
  if (asked.kind == Kind::speech) return spoken(asked.prompt, asked.format, options.seed);
  // The text is the dear part: it is made but once.
  const AnswerText answer = has_text(asked) ? text_for(asked, options) : AnswerText{};
  const std::int64_t seconds = code_points(answer.text) / spoken_characters_per_second + 1;
  const std::string& format = asked.format;
  if (asked.kind == Kind::transcription &&
      (format == "text" || format == "srt" || format == "vtt")) {
    return {
        200,
        {{"Content-Type", "text/plain; charset=utf-8"}},
        format == "text" ? answer.text + "\n" : subtitles(answer.text, seconds, format == "vtt")};
  }
  const Amounts use = use_with_text(asked, answer.tokens);
  const auto used = [&](Resource resource) { return use[index_of(resource)]; };
  const bool is_together = flavour == OpenAiFlavour::together;
  const BodyForm& form = form_of(asked, flavour);
  const auto append_items = [&](std::string& out) {
    const std::size_t count =
        asked.kind == Kind::image ? static_cast<std::size_t>(asked.pictures) : asked.inputs.size();
    for (std::size_t i = 0; i < count; ++i) {
      if (i > 0) out += ',';
      append_item(out, form.item, asked, mark, options, i);
    }
  };
  return json_reply(
      200, filled(form.body,
                  {{"id", raw(mark.id)},
                   {"created", mark.created.ns / 1'000'000'000},
                   {"model", asked.model},
                   {"text", answer.text},
                   {"reason", answer.cut    ? "length"
                              : is_together ? "eos"
                                            : "stop"},
                   {"status", answer.cut ? "incomplete" : "completed"},
                   {"incomplete", raw(answer.cut ? R"({"reason":"max_output_tokens"})" : "null")},
                   {"size", asked.size},
                   {"seconds", seconds},
                   {"items", append_items},
                   {"input", used(Resource::input_tokens)},
                   {"output", used(Resource::output_tokens)},
                   {"total", used(Resource::tokens)}}));
}

std::string picture_url(const AnswerMark& mark, std::uint64_t number) {
  return fmt::format("{}{:016x}.png", mark.files_url, number);
}

bool answers_with_links(const Generation& asked, const SandboxOptions& options) {
  return options.links || asked.format == "url";
}

}  // namespace ratebatch::sandbox
