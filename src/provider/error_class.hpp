// The class of an error: by status first, then by its code and type, then by its words.
#pragma once

#include <cstdint>

#include "provider/error_words.hpp"
#include "provider/limit_words.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::provider {

// What beside the body decides.
struct ErrorSigns {
  std::int32_t status = 0;
  bool has_wait = false;    // A header asks to wait.
  bool is_used_up = false;  // A header says that nothing remains of a limit.
};

// A class, and whom it concerns where it is a refusal.
struct ErrorMeaning {
  OutcomeClass kind = OutcomeClass::bad_reply;
  RefusalScope scope = RefusalScope::lane;
};

// Never done. Long windows make a refusal quota_exhausted, as far as the words tell of them.
ErrorMeaning meaning_of_error(const ErrorSigns& signs, const ErrorWords& words,
                              const LimitWords& limit);

// The status that goes with the code of an error that came inside a 2xx; 0 where it says nothing
// known.
std::int32_t status_of_error(const ErrorWords& words);

}  // namespace ratebatch::provider
