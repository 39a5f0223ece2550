// ratebatch_quota_bench: how near to its limits a run stays, in virtual time. Prints one line of
// JSON per row; a missed target is in it, and no error.
//
//   ratebatch_quota_bench [--case NAME] [--list]
#include <chrono>
#include <cstdio>
#include <functional>
#include <string>
#include <string_view>
#include <vector>

#include "bench/quota/cases.hpp"

namespace {

namespace bench = ratebatch::quota_bench;

struct Case {
  const char* name;
  std::vector<bench::Report> (*measure)();
};

constexpr Case cases[] = {
    {"known", bench::known_limit_rows}, {"overtaking", bench::overtaking_rows},
    {"tokens", bench::tokens_rows},     {"unknown", bench::unknown_limit_rows},
    {"window", bench::window_rows},     {"days", bench::day_rows},
    {"keys", bench::keys_rows},         {"bios", bench::bios_rows},
    {"outage", bench::outage_rows},     {"overloads", bench::overload_rows},
};

void measure(const Case& each) {
  const auto begin = std::chrono::steady_clock::now();
  const std::vector<bench::Report> reports = each.measure();
  const std::chrono::duration<double> took = std::chrono::steady_clock::now() - begin;
  for (const bench::Report& report : reports) {
    std::puts(bench::to_json_line(each.name, report, took.count()).c_str());
  }
  std::fflush(stdout);
}

}  // namespace

int main(int argc, char** argv) {
  const std::vector<std::string_view> arguments{argv + 1, argv + argc};
  if (arguments.size() == 1 && arguments[0] == "--list") {
    for (const Case& each : cases) std::puts(each.name);
    return 0;
  }
  const bool one = arguments.size() == 2 && arguments[0] == "--case";
  if (!one && !arguments.empty()) {
    std::fputs("usage: ratebatch_quota_bench [--case NAME | --list]\n", stderr);
    return 2;
  }
  bool found = false;
  for (const Case& each : cases) {
    if (one && arguments[1] != each.name) continue;
    found = true;
    measure(each);
  }
  if (!found) std::fputs("no such case; --list names them\n", stderr);
  return found ? 0 : 2;
}
