#include "cli/job_request.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/job_file.hpp"
#include "ratebatch/input/render_job.hpp"
#include "ratebatch/run/catalog.hpp"
#include "ratebatch/run/job_files.hpp"
#include "ratebatch/run/json_line.hpp"
#include "sandbox/form_data.hpp"

namespace ratebatch::cli {
namespace {

// As the user named the file.
input::LineError error_at(const SeenJob& job, const std::vector<std::string>& files,
                          std::string why) {
  const auto is_its = [&](const std::string& file) {
    std::error_code ignored;
    return std::filesystem::absolute(file, ignored).lexically_normal() == job.file;
  };
  const auto given = std::find_if(files.begin(), files.end(), is_its);
  return {given == files.end() ? job.file : *given, job.line, std::move(why)};
}

// Why no request can be made of a job, if none can.
std::optional<Error> unsendable(const Config& config, const SeenJob& job) {
  auto model = find_job_model(config, job.type, job.model);
  if (!model) return model.error();
  auto content = input::render_job(job.line_json, config);
  if (!model->enabled || (content && !content->files.empty())) return std::nullopt;
  auto request = request_of_job(config, job);
  return request ? std::nullopt : std::optional{request.error()};
}

// Longer texts of nothing but these letters are files; no prompt looks so.
constexpr std::size_t base64_bytes_min = 1024;

bool is_base64(std::string_view text) {
  while (text.ends_with('=')) text.remove_suffix(1);
  return std::all_of(text.begin(), text.end(),
                     [](char c) { return is_letter_or_digit(c) || c == '+' || c == '/'; });
}

std::string bytes_text(std::size_t bytes, std::string_view of) {
  return fmt::format("<{} bytes of {}>", grouped(static_cast<std::int64_t>(bytes)), of);
}

// A file inside JSON by its size; every other text as it is.
std::string without_base64(const std::string& text) {
  constexpr std::string_view mark = ";base64,";
  if (text.size() < base64_bytes_min) return text;
  std::string_view data = text;
  std::string_view type = "base64";
  const std::size_t comma = text.starts_with("data:") ? text.find(mark) : std::string::npos;
  if (comma != std::string::npos) {
    type = data.substr(5, comma - 5);
    data.remove_prefix(comma + mark.size());
  }
  if (!is_base64(data)) return text;
  const std::size_t padding = data.size() - data.find_last_not_of('=') - 1;
  const std::string shown =
      bytes_text(data.size() / 4 * 3 - std::min<std::size_t>(padding, 2), type);
  return comma == std::string::npos ? shown : "data:" + shown;
}

void shorten(run::JsonLine& json) {
  if (json.is_string()) json = without_base64(json.get<std::string>());
  if (!json.is_structured()) return;
  for (run::JsonLine& child : json) shorten(child);
}

// The parts of a multipart body; none if it is another body.
std::vector<sandbox::FormPart> parts_of(const HttpRequest& request) {
  for (const Header& header : request.headers) {
    if (!header.value.starts_with("multipart/form-data;")) continue;
    const auto form = sandbox::Form::read(header.value, request.body);
    if (form) return form->parts();
  }
  return {};
}

// The body as JSON, with files by their size; nullopt if it is no JSON.
std::optional<run::JsonLine> shortened_body(const HttpRequest& request) {
  run::JsonLine json = run::JsonLine::parse(request.body, nullptr, false);
  if (json.is_discarded()) return std::nullopt;
  shorten(json);
  return json;
}

std::string body_text(const HttpRequest& request) {
  std::string text;
  for (const sandbox::FormPart& part : parts_of(request)) {
    text += escaped(part.name) + ": ";
    text += !part.file_name
                ? escaped(part.bytes)
                : fmt::format("{} ({})", bytes_text(part.bytes.size(), escaped(part.content_type)),
                              escaped(*part.file_name));
    text += '\n';
  }
  if (!text.empty() || request.body.empty()) return text;
  const auto json = shortened_body(request);
  if (!json) return escaped(request.body, request.body.size()) + "\n";
  return json->dump(2, ' ', false, run::JsonLine::error_handler_t::replace) + "\n";
}

run::JsonLine body_json(const HttpRequest& request) {
  run::JsonLine parts = run::JsonLine::array();
  for (const sandbox::FormPart& part : parts_of(request)) {
    if (!part.file_name) {
      parts.push_back({{"name", part.name}, {"text", part.bytes}});
    } else {
      parts.push_back({{"name", part.name},
                       {"file", *part.file_name},
                       {"media_type", part.content_type},
                       {"bytes", part.bytes.size()}});
    }
  }
  if (!parts.empty()) return parts;
  if (request.body.empty()) return nullptr;
  return shortened_body(request).value_or(request.body);
}

}  // namespace

Result<HttpRequest> request_of_job(const Config& config, const SeenJob& job) {
  RB_TRY(model, find_job_model(config, job.type, job.model));
  RB_TRY(content, input::render_job(job.line_json, config));
  RB_TRY(read, run::read_job_files(run::job_folder(job.file), content->files));
  const ProviderSettings& provider = config.providers.at(model->provider);
  RB_TRY(dialect, run::dialect_of(provider));
  const Endpoint endpoint = run::endpoint_of(provider, *model);
  auto request = (*dialect)->request(*content, endpoint);
  if (request) request->key_header = (*dialect)->key_header(endpoint);
  return request;
}

Result<void> check_sendable(const Config& config, const std::vector<SeenJob>& jobs,
                            const RunOptions& options, Console& console) {
  std::string complaint;
  for (const SeenJob& job : jobs) {
    const auto why = unsendable(config, job);
    if (!why) continue;
    const input::LineError error =
        error_at(job, options.files,
                 fmt::format("job '{}' cannot be sent: {}", escaped(job.id), why->message));
    if (options.skip_invalid)
      console.warn(input::to_text(error) + "; it will fail, and cost nothing");
    complaint += input::to_text(error) + "\n";
  }
  if (complaint.empty() || options.skip_invalid) return {};
  return fail(ErrorCode::invalid_input,
              complaint +
                  "nothing was loaded; mend the job or the settings of its type and model, or let "
                  "such jobs fail unsent with --skip-invalid");
}

std::string request_text(const HttpRequest& request, const std::string& key_name) {
  std::string text = fmt::format("{} {}\n", request.method, escaped(request.url));
  if (request.key_header && key_name != "none") {
    text += fmt::format("{}: {}[key {}]\n", escaped(request.key_header->name),
                        escaped(request.key_header->prefix), escaped(key_name));
  }
  for (const Header& header : request.headers) {
    text += fmt::format("{}: {}\n", escaped(header.name), escaped(header.value));
  }
  return text + "\n" + body_text(request);
}

std::string request_json(const std::string& id, const HttpRequest& request,
                         const std::string& key_name) {
  run::JsonLine json = run::json_message("request");
  json["id"] = id;
  json["method"] = request.method;
  json["url"] = request.url;
  json["key"] = key_name;
  json["headers"] = run::JsonLine::object();
  for (const Header& header : request.headers) json["headers"][header.name] = header.value;
  json["body"] = body_json(request);
  return json::written(json);
}

}  // namespace ratebatch::cli
