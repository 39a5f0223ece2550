// What holds for the process as a whole, set once at its start.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace ratebatch::cli {

// New files are for their owner only, no core is ever written, a closed pipe and a file that is too
// large are errors of the call, and a bug (assertion, uncaught exception) ends the program with
// exit code 70.
void set_process_rules();

// From now on other processes of the user cannot look into this one's memory: before the first key
// is read. Also shuts /proc/self/fd to programs that are not root, so job files are opened before.
void hide_memory();

// The names of the environment's variables.
std::vector<std::string> variable_names();

// Allows as many open files as `workers` connections and their pictures need, as far as the system
// lets us; where it does not, requests fail and are tried again.
void raise_descriptor_limit(std::int32_t workers);

}  // namespace ratebatch::cli
