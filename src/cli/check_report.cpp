#include "cli/check_report.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <nlohmann/json.hpp>
#include <string_view>

#include "ratebatch/base/text.hpp"
#include "ratebatch/run/status_json.hpp"

namespace ratebatch {
namespace {

using Json = nlohmann::ordered_json;

std::string_view name_of(ModelKind kind) {
  switch (kind) {
    case ModelKind::chat:
      return "chat";
    case ModelKind::image:
      return "image";
  }
  return "";
}

Json limits_json(const Limits& limits) {
  Json json = Json::object();
  for (const RequestLimit& limit : limits.requests) json[limit.name] = limit.amount;
  if (limits.concurrency) json["concurrency"] = *limits.concurrency;
  return json;
}

std::string limits_text(const Limits& limits) {
  std::string text;
  const auto add = [&](const std::string& name, std::int64_t amount) {
    text += fmt::format("{}{} {}", text.empty() ? "" : ", ", escaped(name), grouped(amount));
  };
  for (const RequestLimit& limit : limits.requests) add(limit.name, limit.amount);
  if (limits.concurrency) add("concurrency", *limits.concurrency);
  return text.empty() ? "none configured: only the workers bound it" : text;
}

std::string key_text(const CheckedKey& key) {
  return key.problem.empty() ? escaped(key.name) + " is there" : key.problem;
}

// The body for people: indented where it is JSON.
std::string body_text(const std::string& body) {
  const Json json = Json::parse(body, nullptr, false);
  if (json.is_discarded()) return escaped(body, body.size());
  return json.dump(2, ' ', false, Json::error_handler_t::replace);
}

std::string dumped(const Json& json) {
  return json.dump(-1, ' ', false, Json::error_handler_t::replace);
}

Json message(std::string_view type) {
  return {{"schema_version", json_schema_version}, {"message_type", type}};
}

}  // namespace

bool CheckedLane::has_key() const {
  return std::any_of(keys.begin(), keys.end(),
                     [](const CheckedKey& key) { return key.problem.empty(); });
}

std::string check_text(const CheckReport& report) {
  std::string text = fmt::format("configuration: {}\n", report.config_path.empty()
                                                            ? "none found, the built-in one holds"
                                                            : escaped(report.config_path));
  for (const std::string& note : report.notes) text += note + "\n";
  if (!report.files.empty()) text += counted(report.jobs, "job", "jobs") + ", all lines right\n";
  for (const CheckedLane& lane : report.lanes) {
    const ModelSettings& model = lane.model;
    text += fmt::format("\n{}{}\n", escaped(model.name), model.enabled ? "" : " (switched off)");
    text += fmt::format("  goes to  {} ({}), {} model {}\n", escaped(lane.provider.base_url),
                        escaped(lane.provider.name), name_of(model.kind), escaped(model.id));
    text += fmt::format("  limits   {}\n", limits_text(model.limits));
    if (lane.provider.limits != Limits{}) {
      text += fmt::format("           {} over all models of {}\n",
                          limits_text(lane.provider.limits), escaped(lane.provider.name));
    }
    if (lane.keys.empty()) text += "  key      none configured\n";
    for (const CheckedKey& key : lane.keys) text += fmt::format("  key      {}\n", key_text(key));
  }
  return text;
}

std::string check_json(const CheckReport& report) {
  Json json = message("check");
  json["config"] = report.config_path.empty() ? Json(nullptr) : Json(report.config_path);
  json["files"] = report.files;
  json["jobs"] = report.jobs;
  json["lanes"] = Json::array();
  for (const CheckedLane& lane : report.lanes) {
    Json keys = Json::array();
    for (const CheckedKey& key : lane.keys) {
      keys.push_back({{"key", key.name}, {"present", key.problem.empty()}});
    }
    json["lanes"].push_back({{"model", lane.model.name},
                             {"provider", lane.provider.name},
                             {"id", lane.model.id},
                             {"kind", name_of(lane.model.kind)},
                             {"enabled", lane.model.enabled},
                             {"base_url", lane.provider.base_url},
                             {"limits", limits_json(lane.model.limits)},
                             {"provider_limits", limits_json(lane.provider.limits)},
                             {"keys", std::move(keys)}});
  }
  return dumped(json);
}

std::string request_text(const HttpRequest& request, const std::string& key_name) {
  std::string text = fmt::format("{} {}\n", request.method, escaped(request.url));
  if (request.key_header) {
    text += fmt::format("{}: {}[key {}]\n", request.key_header->name, request.key_header->prefix,
                        escaped(key_name));
  }
  for (const Header& header : request.headers) {
    text += fmt::format("{}: {}\n", escaped(header.name), escaped(header.value));
  }
  return text + "\n" + body_text(request.body) + "\n";
}

std::string request_json(const std::string& id, const HttpRequest& request,
                         const std::string& key_name) {
  Json json = message("request");
  json["id"] = id;
  json["method"] = request.method;
  json["url"] = request.url;
  json["key"] = key_name;
  json["headers"] = Json::object();
  for (const Header& header : request.headers) json["headers"][header.name] = header.value;
  Json body = Json::parse(request.body, nullptr, false);
  json["body"] = body.is_discarded() ? Json(request.body) : std::move(body);
  return dumped(json);
}

}  // namespace ratebatch
