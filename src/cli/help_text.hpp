// The help texts: one screen per command.
#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace ratebatch::cli {

// Commands of this version, in the order of the help.
std::vector<std::string> command_names();

// Of the program: what it is for and its commands.
std::string program_help();

// Of one command. Precondition: `command` is one of command_names.
std::string command_help(std::string_view command);

}  // namespace ratebatch::cli
