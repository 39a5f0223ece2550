#include "sandbox/scripted.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <fstream>
#include <iterator>
#include <utility>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"
#include "sandbox/json_body.hpp"

namespace ratebatch::sandbox {
namespace {

// The server writes these itself; another length or encoding would garble the connection.
constexpr std::array<std::string_view, 3> own_headers = {"content-length", "transfer-encoding",
                                                         "connection"};

// A mark is looked for no further: bodies are long, and full of brackets.
constexpr std::size_t scripted_name_bytes_max = 128;

// By its first byte that is not blank.
std::string_view content_type_of(std::string_view body) {
  const std::string_view text = trimmed(body);
  if (text.starts_with('{') || text.starts_with('[')) return "application/json";
  return text.starts_with('<') ? "text/html" : "text/plain";
}

// Returns what was expected instead, if something is wrong.
std::string read_headers(const Json& json, std::vector<Header>& headers) {
  if (!json.is_object()) return "'headers' to be an object";
  for (const auto& [name, value] : json.items()) {
    const bool is_own = std::ranges::any_of(
        own_headers, [&](std::string_view own) { return equal_ignoring_case(own, name); });
    const std::string text = json::as_text(value);
    if (has_control_byte(name) || has_control_byte(text)) return "headers without control bytes";
    if (!is_own) headers.push_back({name, text});
  }
  return {};
}

// The same; reads one line.
std::string read_line(const Json& json, ScriptedReply& scripted) {
  if (!json.is_object()) return "a JSON object";
  scripted.name = json::text_member(json, "name");
  const bool is_good = !scripted.name.empty() && scripted.name.size() <= scripted_name_bytes_max &&
                       scripted.name.find("]]") == std::string::npos;
  if (!is_good) return "a 'name' of 1 to 128 bytes without ]]";
  Reply& reply = scripted.reply;
  if (const auto status = json.find("status"); status != json.end()) {
    const std::int64_t number = status->is_number_integer() ? status->get<std::int64_t>() : -1;
    if (number != 0 && (number < 200 || number > 599)) return "a 'status' of 200 to 599, or 0";
    reply.status = static_cast<int>(number);
  }
  if (const auto times = json.find("times"); times != json.end()) {
    scripted.times = times->is_number_integer() ? times->get<std::int64_t>() : 0;
    if (scripted.times < 1) return "'times' of at least 1";
  }
  if (const auto headers = json.find("headers"); headers != json.end()) {
    if (std::string wrong = read_headers(*headers, reply.headers); !wrong.empty()) return wrong;
  }
  if (const auto body = json.find("body"); body != json.end()) reply.body = json::as_text(*body);
  if (value_of(reply.headers, "Content-Type").empty()) {
    reply.headers.push_back({"Content-Type", std::string(content_type_of(reply.body))});
  }
  return {};
}

}  // namespace

Result<Script> Script::read(std::string_view text, std::string_view file) {
  Script script;
  std::int64_t line = 0;
  for (std::size_t from = 0; from < text.size();) {
    const std::size_t end = std::min(text.find('\n', from), text.size());
    const std::string_view part = text.substr(from, end - from);
    from = end + 1;
    ++line;
    if (trimmed(part).empty()) continue;
    ScriptedReply scripted;
    std::string wrong = read_line(Json::parse(part, nullptr, false), scripted);
    const std::string name = scripted.name;
    if (wrong.empty() && !script.replies_.emplace(name, std::move(scripted)).second) {
      wrong = fmt::format("another name than '{}', which an earlier line has", escaped(name));
    }
    if (!wrong.empty()) {
      return fail(ErrorCode::invalid_input,
                  fmt::format("sandbox: {}:{}: expected {}", escaped(file), line, wrong));
    }
  }
  return script;
}

Result<Script> Script::load(const std::string& path) {
  std::ifstream file(path, std::ios::binary);
  const std::string text{std::istreambuf_iterator<char>(file), {}};
  if (!file.is_open() || file.bad()) {
    return fail(ErrorCode::invalid_input,
                fmt::format("sandbox: cannot read the file of replies {}; check the path behind "
                            "'replies'",
                            escaped(path)));
  }
  return read(text, path);
}

const ScriptedReply* Script::next(const Question& question) {
  if (replies_.empty()) return nullptr;
  if (const ScriptedReply* found = find(percent_decoded(question.path))) return found;
  return find(question.body);
}

const ScriptedReply* Script::find(std::string_view text) {
  for (std::size_t at = text.find("[["); at != std::string_view::npos; at = text.find("[[", at)) {
    at += 2;
    const std::string_view near = text.substr(at, scripted_name_bytes_max + 2);
    const std::size_t end = near.find("]]");
    if (end == std::string_view::npos) continue;
    const auto found = replies_.find(near.substr(0, end));
    if (found == replies_.end() || found->second.times == 0) continue;
    --found->second.times;
    return &found->second;
  }
  return nullptr;
}

}  // namespace ratebatch::sandbox
