// Patterns for names: '*' stands for any text, '?' for one byte, the rest for itself. No escapes,
// no brackets, no folders: not a pattern for paths.
#pragma once

#include <string_view>

namespace ratebatch::inline base {

// True if all of `text` fits `pattern`. Takes at most pattern times text steps.
bool matches_glob(std::string_view pattern, std::string_view text);

}  // namespace ratebatch::inline base
