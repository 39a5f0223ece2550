#include "ratebatch/base/assert.hpp"

#include <unistd.h>

#include <cstdlib>
#include <cstring>
#include <string>

namespace ratebatch::inline base {

void assertion_failed(const char* expression, const char* file, int line) noexcept {
  // write(2) instead of a stream: an assertion may fire while the heap or a stream is broken.
  const auto put = [](const char* text) {
    [[maybe_unused]] const auto written = ::write(STDERR_FILENO, text, std::strlen(text));
  };
  put("ratebatch: a bug in ratebatch: assertion failed: ");
  put(expression);
  put(" at ");
  put(file);
  put(":");
  put(std::to_string(line).c_str());
  put("\nStored results are safe; 'ratebatch resume' continues.\n");
  std::abort();
}

}  // namespace ratebatch::inline base
