// A result as the line of JSON that `results` prints, made once, when it is stored.
//
// The fields and their order are those of run/results.hpp. The job's metadata is not part of it: it
// is in the job line already, and put in where the line is read.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>

#include "ratebatch/model/batch.hpp"

namespace ratebatch {

// What a record says beside the outcome.
struct RecordNames {
  std::string_view id;
  std::string_view type;  // Empty: none.
  std::string_view model;
  bool sandbox = false;
};

// Precondition: `end.to` is done, with an answer, or failed.
std::string result_record(const AttemptEnd& end, const RecordNames& names);

// The record with "metadata" as its last field. `metadata_json`: a JSON value on one line.
std::string with_metadata(std::string_view record, std::string_view metadata_json);

}  // namespace ratebatch
