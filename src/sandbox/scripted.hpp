// Replies that a test has written down: a request that holds [[NAME]] in its path or body gets the
// reply of that name, for as often as it says, and normal answers from then on.
//
// The file has one JSON object per line: "name"; "status" (default 200; 0 closes the connection);
// "headers", an object; "body", sent as it is if it is a text, else as JSON; "times" (default 1).
// Other members are ignored, so that a corpus of recorded replies is such a file too.
#pragma once

#include <cstdint>
#include <map>
#include <string>
#include <string_view>

#include "ratebatch/base/result.hpp"
#include "sandbox/question.hpp"

namespace ratebatch::sandbox {

struct ScriptedReply {
  std::string name;
  std::int64_t times = 1;
  Reply reply;
};

class Script {
 public:
  // Reads the lines of `text`; blank ones are skipped. Fails with invalid_input, naming `file` and
  // the line, where one is no such object, lacks a name or repeats one.
  static Result<Script> read(std::string_view text, std::string_view file);

  // The same of a file. Fails with invalid_input where it cannot be read.
  static Result<Script> load(const std::string& path);

  // The reply whose turn it is for this request, counted as given; nullptr: none. Lives as long as
  // the script.
  const ScriptedReply* next(const Question& question);

 private:
  const ScriptedReply* find(std::string_view text);

  std::map<std::string, ScriptedReply, std::less<>> replies_;  // `times` is what is left.
};

}  // namespace ratebatch::sandbox
