// Runs one program and writes what it cost, for the tables of tests/bench:
//
//   ratebatch_measure_child RESULT PROGRAM [ARGS...]
//
// RESULT becomes one line: wall seconds, user seconds, system seconds, largest resident set in KiB,
// 512-byte blocks written, exit code. A program of its own because Linux counts into the largest
// resident set of a process what it held before exec, which is what its parent held: this one holds
// next to nothing, a Python interpreter holds 20 MiB.
#include <spawn.h>
#include <sys/resource.h>
#include <sys/wait.h>

#include <chrono>
#include <cstdio>
#include <cstring>

namespace {

double seconds(const timeval& time) {
  return static_cast<double>(time.tv_sec) + static_cast<double>(time.tv_usec) / 1e6;
}

// As a shell says it: 128 + the signal's number for a program that a signal ended.
int exit_code(int status) {
  return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

}  // namespace

int main(int argc, char** argv) {
  if (argc < 3) {
    std::fputs("usage: ratebatch_measure_child RESULT PROGRAM [ARGS...]\n", stderr);
    return 2;
  }
  const auto begin = std::chrono::steady_clock::now();
  pid_t child = 0;
  const int failure = posix_spawnp(&child, argv[2], nullptr, nullptr, argv + 2, environ);
  if (failure != 0) {
    std::fprintf(stderr, "cannot start %s: %s\n", argv[2], std::strerror(failure));
    return 2;
  }
  int status = 0;
  rusage usage{};
  if (wait4(child, &status, 0, &usage) != child) {
    std::perror("wait4");
    return 2;
  }
  const std::chrono::duration<double> wall = std::chrono::steady_clock::now() - begin;

  std::FILE* result = std::fopen(argv[1], "w");
  if (result == nullptr) {
    std::perror(argv[1]);
    return 2;
  }
  std::fprintf(result, "%.6f %.6f %.6f %ld %ld %d\n", wall.count(), seconds(usage.ru_utime),
               seconds(usage.ru_stime), usage.ru_maxrss, usage.ru_oublock, exit_code(status));
  return std::fclose(result) == 0 ? 0 : 2;
}
