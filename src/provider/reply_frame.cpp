#include "provider/reply_frame.hpp"

#include <algorithm>
#include <cstdint>

#include "provider/asset_bytes.hpp"
#include "provider/refusal.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::provider {
namespace {

constexpr std::size_t request_id_bytes_max = 256;  // Of ours: those seen have 36.

// Text out of a page that a proxy sent: its title, or nothing.
std::string_view title_of(std::string_view page) {
  const std::string lower = lower_case(page.substr(0, 4096));
  const std::size_t start = lower.find("<title>");
  const std::size_t end = lower.find("</title>");
  if (start == std::string::npos || end == std::string::npos || end < start + 7) return {};
  return trimmed(page.substr(start + 7, end - start - 7));
}

bool is_page(std::string_view body) { return trimmed(body.substr(0, 512)).starts_with('<'); }

// Scheme and host of an absolute URL, without user name, path and query: they may hold secrets.
std::string_view host_in(std::string_view location) {
  const std::size_t slashes = location.find("//");
  if (slashes == std::string_view::npos) return {};
  std::string_view host = location.substr(slashes + 2);
  host = host.substr(0, host.find_first_of("/?#\\"));
  const std::size_t user_end = host.rfind('@');
  return user_end == std::string_view::npos ? host : host.substr(user_end + 1);
}

std::string own_words(const HttpReply& reply) {
  const std::string status = "HTTP " + std::to_string(reply.status);
  if (reply.status < 300 || reply.status >= 400) return status + " without a message";
  const std::string_view host = host_in(reply.header("location"));
  return status + ": a redirect" + (host.empty() ? "" : " to " + std::string(host)) +
         ", which is not followed: check base_url";
}

std::string message_of(const HttpReply& reply, const ErrorWords& words) {
  const bool is_redirect = reply.status >= 300 && reply.status < 400;
  if (is_redirect) return as_message(own_words(reply));
  if (!words.message.empty()) return as_message(words.message);
  if (!words.code.empty()) return as_message(words.code);
  if (!is_page(reply.body)) {
    const std::string text = as_message(reply.body);
    return text.empty() ? own_words(reply) : text;
  }
  const std::string_view title = title_of(reply.body);
  return as_message("HTTP " + std::to_string(reply.status) + ", a web page instead of an answer" +
                    (title.empty() ? "" : ": " + std::string(title)));
}

// nullopt if the body can be sound.
std::optional<Outcome> read_instead_of_sound(const Reply& reply) {
  const std::string_view body = reply.http.body;
  const std::string type = lower_case(reply.http.header("content-type"));
  if (type.starts_with("audio/")) return std::nullopt;
  if (type.find("json") != std::string::npos || body.starts_with("{\"") ||
      body.starts_with("[{\"")) {
    json::Parser parser;
    const auto value = parser.parse_lenient(body);
    if (!value) return unreadable_body(body);
    const json::Value object = json::first_element(value).value_or(*value);
    // ElevenLabs calls it detail.
    const bool is_error = json::find_member(object, "error") || json::find_member(object, "detail");
    if (is_error) return read_error_in(object, reply);
    return unreadable("the reply is JSON instead of sound");
  }
  if (!type.starts_with("text/") && !trimmed(body).starts_with('<')) return std::nullopt;
  return unreadable("the reply is a text instead of sound");
}

}  // namespace

std::string as_message(std::string_view text) {
  text = trimmed(text);
  if (text.size() <= message_bytes_max && is_valid_utf8(text)) return std::string(text);
  std::string message;
  for (std::size_t at = 0; at < text.size();) {
    const std::size_t length = utf8_length(text, at);
    const std::string piece =
        length == 0 ? "\\x" + hex_of(text[at]) : std::string(text.substr(at, length));
    if (message.size() + piece.size() > message_bytes_max) break;
    message += piece;
    at += std::max<std::size_t>(length, 1);
  }
  return message;
}

Outcome failed(OutcomeClass kind, std::string_view message) {
  Outcome outcome;
  outcome.kind = kind;
  outcome.message = as_message(message);
  return outcome;
}

Outcome unreadable(std::string_view message) {
  Outcome outcome = failed(OutcomeClass::bad_reply, message);
  outcome.unreadable = true;
  return outcome;
}

Outcome unreadable_body(std::string_view body) {
  constexpr std::size_t start_bytes = 200;
  const std::string start = as_message(body.substr(0, start_bytes));
  return unreadable(start.empty() ? "the reply is empty"
                                  : "the reply is not the JSON it should be: " + start);
}

Outcome text_instead_of_file(const HttpReply& reply) {
  return unreadable("the reply is a text instead of a file: " +
                    as_message(reply.files.empty() ? reply.body : reply.files.front().head));
}

Outcome read_body_file(const HttpReply& reply, std::string_view empty_words) {
  Answer answer;
  if (!add_body_asset(reply, answer)) return failed(OutcomeClass::bad_reply, empty_words);
  return answered(std::move(answer));
}

Outcome read_speech(const Reply& reply) {
  if (reply.http.files.empty()) {
    if (std::optional<Outcome> fault = read_instead_of_sound(reply)) return std::move(*fault);
  } else if (is_text_as_file(reply.http)) {
    return text_instead_of_file(reply.http);
  }
  return read_body_file(reply.http, "the reply holds no sound");
}

Outcome only_http_links() {
  return failed(OutcomeClass::invalid_request,
                "the reply holds only links that cannot be fetched, because they are not https: "
                "ask for base64");
}

Outcome call_instead_of_text(std::string_view what) {
  return failed(OutcomeClass::invalid_request,
                "the answer is a " + std::string(what) +
                    ", not a text: give the whole request as body to keep it");
}

Outcome withheld_by_filter() {
  return failed(OutcomeClass::content_policy, "the answer was withheld by a content filter");
}

Outcome cut_before_first_word() {
  return failed(OutcomeClass::invalid_request,
                "the answer was cut before its first word: raise max_tokens (models that think "
                "first spend them on that)");
}

Outcome empty_answer() { return failed(OutcomeClass::bad_reply, "the answer is empty"); }

Outcome answered(Answer answer) {
  Outcome outcome;
  outcome.kind = OutcomeClass::done;
  outcome.answer = std::move(answer);
  return outcome;
}

Outcome read_error(const HttpReply& reply, const HeaderFacts& headers, const ErrorWords& words) {
  Outcome outcome = read_refusal(reply, words, headers);
  outcome.message = message_of(reply, words);
  return outcome;
}

Outcome read_error_in(json::Value value, const Reply& reply) {
  return read_error(reply.http, reply.headers, error_words(value));
}

void finish_outcome(const HttpReply& http, HeaderFacts headers, Outcome& outcome) {
  if (headers.characters > 0) outcome.usage.characters = headers.characters;
  Usage& usage = outcome.usage;
  for (std::int64_t* count :
       {&usage.input_tokens, &usage.output_tokens, &usage.images, &usage.characters}) {
    *count = std::min(*count, usage_max);
  }
  // An error inside a 2xx has its facts already.
  if (http.status >= 200 && http.status < 300 && outcome.facts.limits.empty()) {
    outcome.facts.limits = std::move(headers.limits);
    // A server that knows no limit may write 0 for what remains of it.
    std::erase_if(outcome.facts.limits, [](const LimitFact& fact) {
      return fact.remaining == 0 && !fact.limit && !fact.full_in;
    });
    outcome.facts.concurrency_max = headers.concurrency_max;
    outcome.facts.server_time = headers.server_time;
  }
  outcome.http_status = http.status;
  std::string_view id = http.header("x-request-id");
  if (id.empty()) id = http.header("request-id");  // Anthropic, ElevenLabs.
  if (!id.empty()) outcome.request_id = as_message(id.substr(0, request_id_bytes_max));
  outcome.sent = true;
}

}  // namespace ratebatch::provider
