// What a case reports: a row of the table of `./dev bench`, as one line of JSON.
#pragma once

#include <string>
#include <vector>

namespace ratebatch::quota_bench {

// A measured value beside its target; `value` and `target` are in the same unit.
struct Figure {
  double value = 0;
  std::string text;
  double target = 0;
  std::string target_text;
  bool is_minimum = false;
};

struct Report {
  std::string what;
  std::string measured;
  std::string floor = "-";
  std::vector<Figure> figures;
  std::vector<std::string> notes;
};

// A share that must reach `target`, both in per cent.
Figure share(const std::string& name, double value, double target);

// A count, or a time in seconds, that must not exceed `target`.
Figure count_at_most(const std::string& name, double value, double target);
Figure seconds_at_most(const std::string& name, double value, double target);

std::string to_json_line(const std::string& name, const Report& report, double real_s);

}  // namespace ratebatch::quota_bench
