// Which of a type's texts a job uses: one answer for checking and for rendering.
#pragma once

#include "ratebatch/input/job_line.hpp"

namespace ratebatch {

// True if the type's system text goes before what the job asks: with vars and prompt always, with
// messages unless they bring a system or developer message, with a body never.
bool takes_system_text(const JobLine& job);

}  // namespace ratebatch
