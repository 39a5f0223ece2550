// Assertions for our own bugs. They stay on in release builds: a run that goes on in a state its
// author excluded may pay twice, and a stopped one loses nothing (every result is on disk first).
#pragma once

namespace ratebatch::inline base {

// Prints the expression and its place to stderr and aborts. Called by RB_ASSERT only.
[[noreturn]] void assertion_failed(const char* expression, const char* file, int line) noexcept;

}  // namespace ratebatch::inline base

// Aborts with the expression where it does not hold. For invariants, never for input.
#define RB_ASSERT(expression)          \
  ((expression) ? static_cast<void>(0) \
                : ::ratebatch::assertion_failed(#expression, __FILE__, __LINE__))
