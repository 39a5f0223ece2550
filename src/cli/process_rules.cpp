#include "cli/process_rules.hpp"

#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <unistd.h>

#include <algorithm>
#include <csignal>
#include <string_view>

#include "ratebatch/cli/exit_code.hpp"

namespace ratebatch::cli {
namespace {

// A connection, one that is being closed, and the other end of both where the sandbox is in the
// same process; besides, what the database, the log and the libraries hold open.
constexpr rlim_t descriptors_per_worker = 4;
constexpr rlim_t descriptors_besides = 64;

// RB_ASSERT and std::terminate have said what they can, and abort: that is SIGABRT.
extern "C" void on_abort(int /*signal*/) { ::_exit(to_int(ExitCode::bug)); }

}  // namespace

void set_process_rules() {
  ::umask(077);
  const rlimit none{0, 0};
  ::setrlimit(RLIMIT_CORE, &none);
  std::signal(SIGPIPE, SIG_IGN);
  std::signal(SIGXFSZ, SIG_IGN);
  std::signal(SIGABRT, on_abort);
}

std::vector<std::string> variable_names() {
  std::vector<std::string> names;
  for (char** entry = ::environ; entry != nullptr && *entry != nullptr; ++entry) {
    const std::string_view text = *entry;
    names.emplace_back(text.substr(0, text.find('=')));
  }
  return names;
}

void raise_descriptor_limit(std::int32_t workers) {
  rlimit limit{};
  if (::getrlimit(RLIMIT_NOFILE, &limit) != 0) return;
  const rlim_t needed = static_cast<rlim_t>(workers) * descriptors_per_worker + descriptors_besides;
  if (limit.rlim_cur >= needed) return;
  limit.rlim_cur = std::min(needed, limit.rlim_max);
  ::setrlimit(RLIMIT_NOFILE, &limit);
}

void hide_memory() { ::prctl(PR_SET_DUMPABLE, 0, 0, 0, 0); }

}  // namespace ratebatch::cli
