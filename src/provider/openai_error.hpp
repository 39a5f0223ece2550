// What an error of OpenAI's API means: by status first, then by code and type, then by its words.
#pragma once

#include <cstdint>
#include <nlohmann/json_fwd.hpp>
#include <string>

#include "ratebatch/model/http.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch {

// The parts of an error, whatever form it came in. Empty or 0 where it has none.
struct ErrorWords {
  std::string message;
  std::string type;
  std::string code;
  std::int32_t status = 0;  // Where the code is a number.
};

// Reads {"error":{...}}, {"error":"..."}, {"message":...}, {"detail":...}, and any of them in an
// array.
ErrorWords error_words(const nlohmann::json& value);

// The meaning of a reply that is no 2xx: class, limit, message and wait.
Outcome read_error(const HttpReply& reply);

// The meaning of an error inside a 2xx, classified as its code says; bad_reply where it says
// nothing known.
Outcome read_error_in_success(const HttpReply& reply, const ErrorWords& words);

}  // namespace ratebatch
