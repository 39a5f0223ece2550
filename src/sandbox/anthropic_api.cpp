#include "sandbox/anthropic_api.hpp"

#include <fmt/format.h>

#include <algorithm>

#include "ratebatch/base/text.hpp"
#include "sandbox/json_body.hpp"
#include "sandbox/openai_errors.hpp"
#include "sandbox/prose.hpp"

namespace ratebatch::sandbox {
namespace {

constexpr std::size_t request_bytes_max = 32'000'000;  // Its page on errors: 32 MB.

tl::unexpected<Trouble> missing_field(const std::string& name) {
  return refuse(name + ": Field required", name);
}

// Reads `messages` into `asked`; says what is wrong with them, if anything is.
std::optional<std::string> read_messages(const Json& messages, Generation& asked) {
  for (std::size_t i = 0; i < messages.size(); ++i) {
    const Json& message = messages[i];
    if (!message.is_object()) return fmt::format("messages.{}: Input should be an object", i);
    const std::string role = text_at(message, "role");
    if (role != "user" && role != "assistant") {
      return fmt::format(
          "messages: Unexpected role \"{}\". Allowed roles are \"user\" or "
          "\"assistant\".",
          escaped(role));
    }
    if (!message.contains("content")) {
      return fmt::format("messages.{}.content: Field required", i);
    }
    const std::string text = text_of_parts(message["content"]);
    const bool has_parts = message["content"].is_array() && !message["content"].empty();
    if (text.empty() && !has_parts) {
      return fmt::format("messages.{}: all messages must have non-empty content", i);
    }
    asked.input_characters += character_count(text);
    if (role != "user") continue;
    if (!asked.prompt.empty()) asked.prompt += '\n';
    asked.prompt += text;
  }
  return std::nullopt;
}

// "30,000 input tokens per minute"
std::string limit_words(const LimitTerms& terms) {
  std::string resource(to_string(terms.resource));
  std::ranges::replace(resource, '_', ' ');
  const bool is_minute = terms.window == std::chrono::minutes{1};
  return fmt::format("{} {} per {}", grouped(terms.amount), resource,
                     is_minute ? "minute" : go_duration(terms.window));
}

std::string limit_message(const Trouble& trouble) {
  if (!trouble.tells_numbers) return "This request would exceed your organization's rate limit.";
  return fmt::format(
      "This request would exceed your organization's rate limit of {} (org: org-sandbox, model: "
      "{}). For details, refer to: https://docs.claude.com/en/api/rate-limits.",
      limit_words(*trouble.limit->terms), trouble.model);
}

struct AnthropicWords {
  int status;
  const char* type;
  std::string message;
};

AnthropicWords anthropic_words(const Trouble& trouble) {
  switch (trouble.kind) {
    case Trouble::Kind::bad_request:
      return {400, "invalid_request_error", trouble.message};
    case Trouble::Kind::body_too_large:
      return {413, "request_too_large", trouble.message};
    case Trouble::Kind::wrong_key:
      return {401, "authentication_error", "invalid x-api-key"};
    case Trouble::Kind::not_found:
      return {404, "not_found_error", trouble.message};
    case Trouble::Kind::wrong_method:
    case Trouble::Kind::elsewhere:
      return {usual_status(trouble.kind), "invalid_request_error", trouble.message};
    case Trouble::Kind::rate_limited:
    case Trouble::Kind::never_fits:
      return {429, "rate_limit_error", limit_message(trouble)};
    case Trouble::Kind::too_many_at_once:
      return {429, "rate_limit_error",
              "Number of concurrent connections has exceeded your rate limit. Please try again "
              "later."};
    case Trouble::Kind::failed:
      return {500, "api_error", "Internal server error"};
    case Trouble::Kind::overloaded:
      break;
  }
  return {529, "overloaded_error", "Overloaded"};
}

// Instants of whole seconds, and tokens to the nearest thousand: its page on rate limits.
void add_triple(std::vector<Header>& headers, const std::string& resource,
                const std::optional<LimitView>& limit, WallTime now) {
  if (!limit) return;
  const std::int64_t room = std::max<std::int64_t>(limit->reading.room, 0);
  const std::int64_t told = resource == "requests" ? room : (room + 500) / 1000 * 1000;
  const WallTime full{(now.ns + limit->reading.reset.count() + 999'999'999) / 1'000'000'000 *
                      1'000'000'000};
  const std::string stem = "anthropic-ratelimit-" + resource;
  headers.push_back({stem + "-limit", std::to_string(limit->terms->most)});
  headers.push_back({stem + "-remaining", std::to_string(told)});
  headers.push_back({stem + "-reset", format_utc(full)});
}

}  // namespace

KeyPlace AnthropicApi::key_place(const Question& /*question*/, std::string_view /*rest*/) const {
  return {"x-api-key", ""};
}

tl::expected<Generation, Trouble> AnthropicApi::read(const Question& question,
                                                     std::string_view rest) const {
  if (rest != "/messages") return no_such_path(question);
  if (auto good = expect_method(question, "POST"); !good) return tl::unexpected(good.error());
  if (question.header("anthropic-version").empty()) {
    return refuse("anthropic-version: header is required");
  }
  if (question.body.size() > request_bytes_max) {
    return tl::unexpected(Trouble{.kind = Trouble::Kind::body_too_large,
                                  .message = "Request exceeds the maximum size"});
  }
  auto json = read_object(question.body);
  if (!json) return refuse(json.error());
  Generation asked{.model = text_at(*json, "model")};
  if (asked.model.empty()) return missing_field("model");
  if (asked.model.size() > model_name_bytes_max) return refuse("model: String is too long");
  const auto tokens = json->find("max_tokens");
  if (tokens == json->end()) return missing_field("max_tokens");
  asked.tokens_max = tokens->is_number_integer() ? tokens->get<std::int64_t>() : 0;
  if (*asked.tokens_max < 1) return refuse("max_tokens: Input should be greater than 0");
  const auto messages = json->find("messages");
  if (messages == json->end()) return missing_field("messages");
  if (!messages->is_array() || messages->empty()) {
    return refuse("messages: at least one message is required");
  }
  if (const auto wrong = read_messages(*messages, asked)) return refuse(*wrong);
  if (const auto system = json->find("system"); system != json->end()) {
    asked.input_characters += character_count(text_of_parts(*system));
  }
  if (const auto stream = json->find("stream"); stream != json->end() && *stream != false) {
    return refuse("The sandbox does not stream: leave 'stream' out.");
  }
  return asked;
}

// Its page on rate limits: input counts at once, output as it is produced, whatever max_tokens
// says. So a request needs room for one token of output when it comes.
Cost AnthropicApi::cost(const Generation& /*asked*/, const Amounts& use) const {
  Cost cost{use, use};
  std::int64_t& output = cost.at_first[index_of(Resource::output_tokens)];
  output = std::min<std::int64_t>(output, 1);
  cost.at_first[index_of(Resource::tokens)] =
      cost.at_first[index_of(Resource::input_tokens)] + output;
  return cost;
}

std::vector<Header> AnthropicApi::limit_headers(const Decision& decision, Now now) const {
  std::vector<Header> headers;
  add_triple(headers, "requests", decision.of(Resource::requests), now.wall);
  add_triple(headers, "tokens", decision.of(Resource::tokens), now.wall);
  add_triple(headers, "input-tokens", decision.of(Resource::input_tokens), now.wall);
  add_triple(headers, "output-tokens", decision.of(Resource::output_tokens), now.wall);
  return headers;
}

Reply AnthropicApi::answer(const Generation& asked, const AnswerMark& mark) const {
  AnswerText answer = text_for(asked, options());
  return json_reply(
      200,
      written({{"id", "msg_" + mark.id},
               {"type", "message"},
               {"role", "assistant"},
               {"model", asked.model},
               {"content", Json::array({{{"type", "text"}, {"text", std::move(answer.text)}}})},
               {"stop_reason", answer.cut ? "max_tokens" : "end_turn"},
               {"stop_sequence", nullptr},
               {"usage",
                {{"input_tokens", token_count(asked.input_characters)},
                 {"cache_creation_input_tokens", 0},
                 {"cache_read_input_tokens", 0},
                 {"output_tokens", answer.tokens},
                 {"service_tier", "standard"}}}}),
      {{"request-id", "req_" + mark.id}, {"anthropic-organization-id", "org-sandbox"}});
}

Reply AnthropicApi::error(const Trouble& trouble, const std::string& id) const {
  const AnthropicWords words = anthropic_words(trouble);
  Reply reply = json_reply(words.status,
                           written({{"type", "error"},
                                    {"error", {{"type", words.type}, {"message", words.message}}},
                                    {"request_id", "req_" + id}}),
                           {{"request-id", "req_" + id}});
  if (const auto wait = wait_of(trouble)) {
    reply.headers.push_back({"retry-after", whole_seconds(*wait)});
  }
  return reply;
}

}  // namespace ratebatch::sandbox
