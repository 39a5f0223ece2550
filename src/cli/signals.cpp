#include "ratebatch/cli/signals.hpp"

#include <fcntl.h>
#include <fmt/format.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>

#include "ratebatch/base/assert.hpp"

namespace ratebatch::cli {
namespace {

constexpr std::array<int, 3> stop_signals = {SIGINT, SIGTERM, SIGHUP};

// With the second press, the third one gets the default action.
constexpr int handled_presses = 2;

// The only state of the program that is not owned by an object: a handler has no argument. -1 while
// no StopSignals exists.
volatile std::sig_atomic_t pipe_write_end = -1;
volatile std::sig_atomic_t presses = 0;

// Only calls that signal-safety(7) allows.
extern "C" void on_stop_signal(int signal) {
  const int saved_errno = errno;
  presses = presses + 1;
  if (presses >= handled_presses) {
    for (const int s : stop_signals) ::signal(s, SIG_DFL);
  }
  const char byte = static_cast<char>(signal);
  [[maybe_unused]] const auto written = ::write(pipe_write_end, &byte, 1);
  errno = saved_errno;
}

}  // namespace

Result<std::unique_ptr<StopSignals>> StopSignals::install(Duration grace) {
  RB_ASSERT(pipe_write_end == -1);
  std::array<int, 2> ends{};
  if (::pipe2(ends.data(), O_CLOEXEC | O_NONBLOCK) != 0) {
    return fail(ErrorCode::io, fmt::format("cannot make a pipe: {}", std::strerror(errno)));
  }
  // make_unique cannot reach the constructor.
  std::unique_ptr<StopSignals> signals{new StopSignals(grace, ends[0], ends[1])};
  presses = 0;
  pipe_write_end = ends[1];
  struct sigaction action{};
  action.sa_handler = on_stop_signal;
  action.sa_flags = SA_RESTART;
  ::sigemptyset(&action.sa_mask);
  // Two handlers at once would count one press for two.
  for (const int s : stop_signals) ::sigaddset(&action.sa_mask, s);
  for (const int s : stop_signals) {
    Saved saved{s, {}};
    ::sigaction(s, nullptr, &saved.action);
    if (saved.action.sa_handler == SIG_IGN) continue;
    ::sigaction(s, &action, nullptr);
    signals->saved_.push_back(saved);
  }
  return signals;
}

StopSignals::~StopSignals() {
  for (const Saved& saved : saved_) ::sigaction(saved.signal, &saved.action, nullptr);
  pipe_write_end = -1;
}

std::optional<event::StopRequested> StopSignals::take() {
  char byte = 0;
  if (::read(read_end_.get(), &byte, 1) != 1) return std::nullopt;
  const bool is_first = !first_.has_value();
  if (is_first) first_ = byte;
  return event::StopRequested{is_first ? grace_ : Duration{}};
}

}  // namespace ratebatch::cli
