#include "bench/quota/report.hpp"

#include <fmt/format.h>

#include <nlohmann/json.hpp>

namespace ratebatch::quota_bench {

Figure share(const std::string& name, double value, double target) {
  return {100 * value, fmt::format("{}{:.2f} %", name, 100 * value), target,
          fmt::format("{}at least {} %", name, target), true};
}

Figure count_at_most(const std::string& name, double value, double target) {
  return {value, fmt::format("{:.0f} {}", value, name), target,
          target == 0 ? fmt::format("no {}", name) : fmt::format("at most {} {}", target, name),
          false};
}

Figure seconds_at_most(const std::string& name, double value, double target) {
  return {value, fmt::format("{}{:.2f} s", name, value), target,
          fmt::format("{}at most {} s", name, target), false};
}

std::string to_json_line(const std::string& name, const Report& report, double real_s) {
  nlohmann::ordered_json json;
  json["case"] = name;
  json["what"] = report.what;
  json["measured"] = report.measured;
  json["floor"] = report.floor;
  json["figures"] = nlohmann::json::array();
  for (const Figure& figure : report.figures) {
    const bool met =
        figure.is_minimum ? figure.value >= figure.target : figure.value <= figure.target;
    json["figures"].push_back({{"value", figure.value},
                               {"text", figure.text},
                               {"target", figure.target},
                               {"target_text", figure.target_text},
                               {"is_minimum", figure.is_minimum},
                               {"met", met}});
  }
  json["notes"] = report.notes;
  json["real_s"] = real_s;
  return json.dump();
}

}  // namespace ratebatch::quota_bench
