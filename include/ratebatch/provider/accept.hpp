// Whether an answer is what its type asked for.
#pragma once

#include <optional>
#include <string>

#include "ratebatch/model/config.hpp"
#include "ratebatch/model/outcome.hpp"

namespace ratebatch::provider {

// Why the rules refuse this answer, for the user, naming the rule; nullopt if they accept it. Only
// finish_reason is looked at where the answer is not a text, and that only where the provider says
// one: pictures and sound come without.
std::optional<std::string> why_not_accepted(const AcceptRules& rules, const Answer& answer);

}  // namespace ratebatch::provider
