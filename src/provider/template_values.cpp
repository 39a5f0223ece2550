#include "provider/template_values.hpp"

#include <algorithm>
#include <array>
#include <utility>

#include "provider/job_parts.hpp"
#include "provider/multipart.hpp"
#include "provider/neutral_params.hpp"
#include "provider/request_frame.hpp"
#include "ratebatch/base/base64.hpp"
#include "ratebatch/base/percent_encoding.hpp"
#include "ratebatch/base/template_text.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::provider {
namespace {

// What no parameter can stand for.
constexpr std::array<const char*, 8> own_names = {"prompt",   "system", "model",     "id",
                                                  "messages", "file",   "file_type", "file_name"};

}  // namespace

Result<TemplateValues> TemplateValues::read(const JobContent& content, const Endpoint& endpoint) {
  RB_TRY(params, NeutralParams::read(content.params_json));
  Json values = Json::object();
  RB_TRY(poured, params->pour(values, {}));
  if (content.files.size() > 1) {
    return bad_job("the api http sends one file of a job, and this one has " +
                   std::to_string(content.files.size()));
  }
  RB_TRY(messages, plain_messages(content, true));
  for (const char* name : own_names) values.erase(name);
  const std::array<std::pair<const char*, const std::string*>, 4> texts = {
      {{"prompt", &content.prompt},
       {"system", &content.system},
       {"model", &endpoint.model_id},
       {"id", &content.id}}};
  for (const auto& [name, text] : texts) {
    if (!text->empty()) values[name] = *text;
  }
  if (!messages->empty()) values["messages"] = std::move(*messages);
  if (!content.files.empty()) {
    const JobFile& file = content.files.front();
    values["file_type"] = media_type_of_file(file.path, file.bytes);
    values["file_name"] = file_name_of(file.path);
  }
  return TemplateValues(content, std::move(values));
}

const Json* TemplateValues::find(const std::string& name) {
  used_.insert(name);
  // Made only where it is named: it may be large.
  const bool is_new_file = name == "file" && !content_->files.empty() && !values_.contains("file");
  if (is_new_file) values_["file"] = encode_base64(content_->files.front().bytes);
  return json::member(values_, name.c_str());
}

Result<std::string> TemplateValues::text(std::string_view text, bool for_url) {
  RB_TRY(parsed, TextTemplate::parse(text));
  Variables variables;
  for (const std::string& name : parsed->names()) {
    const Json* value = find(name);
    if (value == nullptr) continue;
    std::string as_text = json::as_text(*value);
    // The slashes of a model's id part it into owner and name: there they have to stay.
    const bool keeps_slashes = name == "model";
    variables[name] =
        for_url ? percent_encoded(as_text, keeps_slashes ? "/" : "") : std::move(as_text);
  }
  return parsed->render(variables);
}

Result<std::optional<Json>> TemplateValues::filled_text(const std::string& text) {
  RB_TRY(parsed, TextTemplate::parse(text));
  if (parsed->is_one_placeholder()) {
    const Json* value = find(parsed->names().front());
    if (value != nullptr) return *value;
    const Result<std::string> fallback = parsed->render({});
    if (!fallback || fallback->empty()) return std::nullopt;
  }
  RB_TRY(rendered, this->text(text, false));
  return Json(std::move(*rendered));
}

Result<std::optional<Json>> TemplateValues::filled(const Json& value) {
  if (value.is_string()) return filled_text(value.get_ref<const std::string&>());
  if (!value.is_structured()) return value;
  Json made = value.is_array() ? Json::array() : Json::object();
  for (const auto& [name, inner] : value.items()) {
    RB_TRY(one, filled(inner));
    if (!*one) continue;
    if (made.is_array()) {
      made.push_back(std::move(**one));
    } else {
      made[name] = std::move(**one);
    }
  }
  return made;
}

Result<void> TemplateValues::check_all_used() const {
  const auto lost = [](const std::string& what, const std::string& name) {
    return bad_job("the http: description names no {{" + name + "}}, so that " + what +
                   " would be lost");
  };
  const bool has_texts = content_->messages_json.empty();
  const bool are_messages_used = used_.contains("messages");
  if (!has_texts && !are_messages_used) return lost("the job's messages", "messages");
  if (has_texts && !content_->prompt.empty() && !are_messages_used && !used_.contains("prompt")) {
    return lost("the job's prompt", "prompt");
  }
  if (!content_->system.empty() && !are_messages_used && !used_.contains("system")) {
    return lost("the job's system text", "system");
  }
  if (!content_->files.empty() && !used_.contains("file")) return lost("the job's file", "file");
  for (const auto& [name, value] : values_.items()) {
    const bool is_own = std::find(own_names.begin(), own_names.end(), name) != own_names.end();
    if (!is_own && !value.is_null() && !used_.contains(name)) {
      return lost("params." + escaped(name, 60), escaped(name, 60));
    }
  }
  return {};
}

}  // namespace ratebatch::provider
