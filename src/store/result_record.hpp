// A result as the line of JSON that `results` prints, made once, when it is stored.
//
// The fields and their order are those of run/results.hpp.
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
  std::string_view metadata_json;  // Of the job, on one line; empty: none.
  bool sandbox = false;
};

// Precondition: `end.to` is done, with an answer, or failed.
std::string result_record(const AttemptEnd& end, const RecordNames& names);

}  // namespace ratebatch
