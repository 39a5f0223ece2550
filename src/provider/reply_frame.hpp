// What the replies of all dialects have in common: their messages, outcomes without an answer,
// errors, and the facts of their headers.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <utility>

#include "provider/error_words.hpp"
#include "provider/limit_headers.hpp"
#include "ratebatch/json/reader.hpp"
#include "ratebatch/model/http.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::provider {

// Outcome::message is at most this long: enough for every error text seen, and bounded in the
// checkpoint.
constexpr std::size_t message_bytes_max = 1000;

// The text without surrounding blanks, bytes that are not UTF-8 written as \xNN, and cut at a
// character to at most message_bytes_max bytes.
std::string as_message(std::string_view text);

// A 2xx, and what its headers say.
struct Reply {
  const HttpReply& http;
  const HeaderFacts& headers;
};

// An outcome without answer, with these words.
Outcome failed(OutcomeClass kind, std::string_view message);

// A bad_reply whose form is not even the provider's: it counts against the server.
Outcome unreadable(std::string_view message);

// The same for a body that is no JSON, with its start as the message.
Outcome unreadable_body(std::string_view body);

// The same for a text that came instead of a file, with its first bytes as the message.
Outcome text_instead_of_file(const HttpReply& reply);

// The answer that the reply's body is as a whole; a bad_reply with `empty_words` if it is empty.
Outcome read_body_file(const HttpReply& reply, std::string_view empty_words);

// The sound that the reply's body is; an error if it is JSON or a text instead.
Outcome read_speech(const Reply& reply);

// Of pictures that only links lead to which the transport refuses: no retry helps.
Outcome only_http_links();

// Of an answer that is a call of `what` ("tool call"), which the job did not ask for: no retry
// helps.
Outcome call_instead_of_text(std::string_view what);

Outcome withheld_by_filter();

// An answer that used all the tokens it was given before its first word: no retry helps.
Outcome cut_before_first_word();

Outcome empty_answer();

Outcome answered(Answer answer);

// The meaning of an error with these words, see read_refusal, and its message.
Outcome read_error(const HttpReply& reply, const HeaderFacts& headers, const ErrorWords& words);

// The same of the error that `value` holds.
Outcome read_error_in(json::Value value, const Reply& reply);

// Fills in what any outcome of a complete reply has: status, request id and characters if headers
// tell them, and of a 2xx the facts of its headers.
void finish_outcome(const HttpReply& http, HeaderFacts headers, Outcome& outcome);

// What a reply means: a 2xx by `read_success` (an Outcome of a Reply), all others as the errors
// they are, by the words that `words_in` (the ErrorWords of a json::Value) finds in them.
template <typename ReadSuccess, typename WordsIn = ErrorWords (*)(json::Value)>
Outcome read_framed(const HttpReply& http, const ReadSuccess& read_success,
                    const WordsIn& words_in = error_words) {
  HeaderFacts headers = read_limit_headers(http.headers);
  Outcome outcome;
  if (http.status >= 200 && http.status < 300) {
    outcome = read_success(Reply{http, headers});
  } else {
    json::Parser parser;
    const auto body = parser.parse_lenient(http.body);
    outcome = read_error(http, headers, body ? words_in(*body) : ErrorWords{});
  }
  finish_outcome(http, std::move(headers), outcome);
  return outcome;
}

// What a 2xx means whose body must be JSON: the error it holds, which some put into an array, else
// what `read_content` (an Outcome of a json::Value) makes of it. `add_usage` (of a json::Value and
// an Outcome&) adds what either costs. An answer keeps the body if `keeps_body` says so.
template <typename ReadContent, typename AddUsage>
Outcome read_json_body(const Reply& reply, bool keeps_body, const ReadContent& read_content,
                       const AddUsage& add_usage) {
  json::Parser parser;
  const auto value = parser.parse_lenient(reply.http.body);
  if (!value || !(value->is_object() || value->is_array())) {
    return unreadable_body(reply.http.body);
  }
  const json::Value body = json::first_element(value).value_or(*value);
  Outcome outcome =
      json::find_member(body, "error") ? read_error_in(body, reply) : read_content(*value);
  add_usage(body, outcome);
  if (outcome.answer && keeps_body) outcome.answer->body_json = json::on_one_line(reply.http.body);
  return outcome;
}

}  // namespace ratebatch::provider
