// What the tests of job and configuration files share.
#pragma once

#include <string>

#include "ratebatch/base/result.hpp"
#include "support/temporary_folder.hpp"

namespace ratebatch::input_support {

// The message of a failed result; "(no error)" makes a comparison fail.
template <typename T>
std::string message_of(const Result<T>& result) {
  return result ? "(no error)" : result.error().message;
}

}  // namespace ratebatch::input_support
