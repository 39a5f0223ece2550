// The keys of the sandbox's options in text form, and what each of them sets.
#pragma once

#include <functional>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "ratebatch/sandbox/sandbox_options.hpp"

namespace ratebatch::sandbox {

struct OptionKey {
  std::string name;
  // Sets the option from its text, or returns what was expected instead.
  std::function<std::optional<std::string>(SandboxOptions&, std::string_view)> set;
};

std::vector<OptionKey> option_keys();

// The names of all keys for people, the many limits as one pattern.
std::string option_overview();

}  // namespace ratebatch::sandbox
