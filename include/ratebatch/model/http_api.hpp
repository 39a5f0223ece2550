// How to speak to an API that no dialect of our own knows: its user describes it in the
// configuration.
//
// Templates are those of base/template_text.hpp: {{name}}, {{name|default}} and {{name?}}. Names
// are `prompt`, `system`, `model` (the provider's id of it), `id` (the job's), `messages` (the
// job's, else made of system text and prompt), of the one file of the job `file` (its base64),
// `file_type` ("audio/mpeg") and `file_name`; and of parameters, over which the first ones win.
// Whatever a job has that no template names is an error: it would be lost.
// Pointers are JSON pointers (RFC 6901) into the reply; an empty one is not given.
#pragma once

#include <string>
#include <utility>
#include <vector>

namespace ratebatch::inline model {

struct HttpApi {
  std::string method = "POST";
  // Template behind base_url, from its '/' or '?'. Values are percent-encoded, but for the slashes
  // of a model.
  std::string path;
  // Names, and templates of values; those that come out empty are not sent.
  std::vector<std::pair<std::string, std::string>> headers;
  std::string body_json;  // A JSON value whose strings are templates; empty: no body. A string that
                          // is one placeholder becomes the value itself, of whatever JSON type, and
                          // its member or element is left out where there is none.
  std::string key_header = "Authorization";  // Its name; there is always one.
  std::string key_prefix = "Bearer ";
  // Where the result is found. For image and speech: base64, a data URL or a link, or an array of
  // them; empty: the reply's body is the file. For embedding: what is kept of the reply; empty: all
  // of it. For other kinds: a text, or the JSON text of any other value; empty: the reply's
  // body, which need not be JSON then.
  std::string result;
  std::string finish_reason;  // "length", "max_tokens" and "MAX_TOKENS" mean that it was cut.
  std::string input_tokens;
  std::string output_tokens;
  std::string characters;
  // Of an error, in replies of any status. In a 2xx, whatever they point at is an error but for
  // null, false, 0, "", [] and {}; where neither is given, a member `error` is taken for one.
  std::string error_message;
  std::string error_code;

  friend bool operator==(const HttpApi&, const HttpApi&) = default;
};

}  // namespace ratebatch::inline model
