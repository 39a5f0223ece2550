// The ratebatch.yaml that `ratebatch init` writes: short, commented, valid as it is.
#pragma once

#include <string_view>

namespace ratebatch::input {

// The whole text, ending in a newline. parse_config reads it without complaint (tested).
std::string_view config_template();

}  // namespace ratebatch::input
