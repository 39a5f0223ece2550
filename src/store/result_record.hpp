// A result as the line of JSON that `results` prints, made once, when it is stored.
//
// The fields and their order are those of run/results.hpp.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ratebatch/model/batch.hpp"

namespace ratebatch::store {

// What a record says beside the outcome.
struct RecordNames {
  std::string_view id;
  std::string_view type;  // Empty: none.
  std::string_view model;
  std::string_view metadata_json;  // Of the job, on one line; empty: none.
  bool sandbox = false;
};

// Precondition: `end.to` is done, with an answer, or failed. A failure tells the answer that was
// refused, if it has one.
std::string result_record(const AttemptEnd& end, const RecordNames& names);

// What a record says of an answer but its files: fields in JSON, without braces. To be kept until
// the files are here.
std::string answer_content(const AttemptEnd& end);

// The record of an answer whose files were fetched. `files_json`: a JSON array of those it had
// before; `content`: as answer_content said. Precondition: `end.to` is done or failed.
std::string fetched_record(const FetchEnd& end, const RecordNames& names, std::string files_json,
                           std::string_view content);

}  // namespace ratebatch::store
