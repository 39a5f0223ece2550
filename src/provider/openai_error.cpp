#include "provider/openai_error.hpp"

#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "provider/error_class.hpp"
#include "provider/foreign_text.hpp"
#include "provider/refusal.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::provider {
namespace {

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

Outcome outcome_with(std::int32_t status, const HttpReply& reply, const ErrorWords& words,
                     const HeaderFacts& headers) {
  Refusal refusal = read_refusal(status, reply, words, headers);
  Outcome outcome;
  outcome.kind = refusal.kind;
  outcome.limited = refusal.limited;
  outcome.message = message_of(reply, words);
  outcome.facts = std::move(refusal.facts);
  return outcome;
}

}  // namespace

Outcome read_error(const HttpReply& reply, const HeaderFacts& headers) {
  const std::optional<Json> value = json::parse_lenient(reply.body);
  return read_error(reply, headers, value ? error_words(*value) : ErrorWords{});
}

Outcome read_error(const HttpReply& reply, const HeaderFacts& headers, const ErrorWords& words) {
  return outcome_with(reply.status, reply, words, headers);
}

Outcome read_error_in_success(const HttpReply& reply, const HeaderFacts& headers,
                              const ErrorWords& words) {
  return outcome_with(status_of_error(words), reply, words, headers);
}

}  // namespace ratebatch::provider
