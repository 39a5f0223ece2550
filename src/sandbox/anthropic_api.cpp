#include <fmt/format.h>

#include <algorithm>

#include "ratebatch/base/integers.hpp"
#include "ratebatch/base/text.hpp"
#include "sandbox/api.hpp"
#include "sandbox/canned_answers.hpp"
#include "sandbox/request_reader.hpp"

namespace ratebatch::sandbox {
namespace {

constexpr std::int64_t second_ns = 1'000'000'000;
constexpr std::size_t anthropic_request_bytes_max = 32'000'000;  // Its page on errors: 32 MB.

constexpr std::string_view anthropic_answer =
    R"({"content":[{"text":$text,"type":"text"}],"id":"msg_$id","model":$model,)"
    R"("role":"assistant","stop_reason":$reason,"stop_sequence":null,"type":"message","usage":)"
    R"({"cache_creation_input_tokens":0,"cache_read_input_tokens":0,"input_tokens":$input,)"
    R"("output_tokens":$output,"service_tier":"standard"}})";

constexpr const char* anthropic_invalid = "invalid_request_error";

constexpr ErrorTable anthropic_errors = {
    {{400, anthropic_invalid},
     {413, "request_too_large"},
     {401, "authentication_error", "", "invalid x-api-key"},
     {404, "not_found_error"},
     {405, anthropic_invalid},
     {421, anthropic_invalid},
     {429, "rate_limit_error", "", "This request would exceed your organization's rate limit."},
     {429, "rate_limit_error", "", "This request would exceed your organization's rate limit."},
     {429, "rate_limit_error", "",
      "Number of concurrent connections has exceeded your rate limit. Please try again later."},
     {500, "api_error", "", "Internal server error"},
     {529, "overloaded_error", "", "Overloaded"}}};

void read_anthropic_messages(RequestReader& in, const Json& messages) {
  in.refuse_if(!messages.is_array() || messages.empty(),
               "messages: at least one message is required");
  for (std::size_t i = 0; messages.is_array() && i < messages.size(); ++i) {
    const Json& message = messages[i];
    if (!message.is_object()) {
      return in.refuse(fmt::format("messages.{}: Input should be an object", i));
    }
    const std::string role = json::text_member(message, "role");
    if (role != "user" && role != "assistant") {
      return in.refuse(fmt::format(
          "messages: Unexpected role \"{}\". Allowed roles are \"user\" or \"assistant\".",
          escaped(role)));
    }
    if (!message.contains("content")) return in.missing(fmt::format("messages.{}.content", i));
    const std::string text = text_of_parts(message["content"]);
    const bool has_parts = message["content"].is_array() && !message["content"].empty();
    if (text.empty() && !has_parts) {
      return in.refuse(fmt::format("messages.{}: all messages must have non-empty content", i));
    }
    in.count_text(text);
    if (role == "user") in.add_to_prompt(text);
  }
}

// "30,000 input tokens per minute"
std::string limit_words(const LimitTerms& terms) {
  const bool is_minute = terms.window == std::chrono::minutes{1};
  return fmt::format("{} {} per {}", grouped(terms.amount), words_of(terms.resource),
                     is_minute ? "minute" : go_duration(terms.window));
}

class AnthropicApi final : public Api {
 public:
  using Api::Api;

  [[nodiscard]] ReadRequest read(const Question& question, std::string_view rest) const override {
    if (rest != "/messages") return no_such_path(question);
    RequestReader in(question, {"{}: Field required"});
    in.refuse_if(question.header("anthropic-version").empty(),
                 "anthropic-version: header is required");
    if (question.body.size() > anthropic_request_bytes_max) {
      in.refuse(
          {.kind = Trouble::Kind::body_too_large, .message = "Request exceeds the maximum size"});
    }
    in.read_json();
    in.set_model(json::text_member(in.json(), "model"), "model: String is too long");
    if (in.asked.model.empty()) in.missing("model");
    in.asked.tokens_max = positive(in.required("max_tokens"));
    in.refuse_if(*in.asked.tokens_max < 1, "max_tokens: Input should be greater than 0");
    read_anthropic_messages(in, in.required("messages"));
    if (const Json* const system = in.find("system")) in.count_text(text_of_parts(*system));
    in.refuse_stream();
    return in.take();
  }

  // Its page on rate limits: input counts at once, output as it is produced, whatever max_tokens
  // says. So a request needs room for one token of output when it comes.
  [[nodiscard]] Cost cost(const Generation& /*asked*/, const Amounts& use) const override {
    Cost cost{use, use};
    std::int64_t& output = cost.reserved[index_of(Resource::output_tokens)];
    output = std::min<std::int64_t>(output, 1);
    cost.reserved[index_of(Resource::tokens)] =
        cost.reserved[index_of(Resource::input_tokens)] + output;
    return cost;
  }

  // Instants of whole seconds, and tokens to the nearest thousand: its page on rate limits.
  [[nodiscard]] std::vector<Header> limit_headers(const Decision& decision,
                                                  Now now) const override {
    std::vector<Header> headers;
    for (const Resource resource :
         {Resource::requests, Resource::tokens, Resource::input_tokens, Resource::output_tokens}) {
      const std::optional<LimitView>& limit = decision.of(resource);
      if (!limit) continue;
      const std::int64_t room = std::max<std::int64_t>(limit->reading.room, 0);
      const std::int64_t told = resource == Resource::requests ? room : (room + 500) / 1000 * 1000;
      const std::int64_t full_s = divide_up(now.wall.ns + limit->reading.reset.count(), second_ns);
      std::string stem = fmt::format("anthropic-ratelimit-{}-", to_string(resource));
      std::ranges::replace(stem, '_', '-');
      headers.push_back({stem + "limit", std::to_string(limit->terms->most)});
      headers.push_back({stem + "remaining", std::to_string(told)});
      headers.push_back({stem + "reset", format_utc(WallTime{full_s * second_ns})});
    }
    return headers;
  }

  [[nodiscard]] Reply answer(const Generation& asked, const AnswerMark& mark) const override {
    const AnswerText answer = text_for(asked, options());
    return json_reply(
        200,
        filled(anthropic_answer, {{"id", raw(mark.id)},
                                  {"model", asked.model},
                                  {"text", answer.text},
                                  {"reason", answer.cut ? "max_tokens" : "end_turn"},
                                  {"input", token_count(asked.input_characters)},
                                  {"output", answer.tokens}}),
        {{"request-id", "req_" + mark.id}, {"anthropic-organization-id", "org-sandbox"}});
  }

  [[nodiscard]] Reply error(const Trouble& trouble, const std::string& id) const override {
    ApiError error = error_of(anthropic_errors, trouble);
    if (trouble.is_of_limit() && trouble.tells_numbers) {
      error.message = fmt::format(
          "This request would exceed your organization's rate limit of {} (org: org-sandbox, "
          "model: {}). For details, refer to: https://docs.claude.com/en/api/rate-limits.",
          limit_words(*trouble.limit->terms), trouble.model);
    }
    const std::string request_id = "req_" + id;
    Reply reply = json_reply(
        error.status,
        filled(R"({"error":{"message":$message,"type":$type},"request_id":$id,"type":"error"})",
               {{"message", error.message}, {"type", error.type}, {"id", request_id}}),
        {{"request-id", request_id}});
    add_wait(reply, "retry-after", trouble);
    return reply;
  }
};

}  // namespace

std::unique_ptr<Api> make_anthropic_api(const SandboxOptions& options) {
  return std::make_unique<AnthropicApi>(options, "anthropic", KeyPlace{"x-api-key", ""});
}

}  // namespace ratebatch::sandbox
