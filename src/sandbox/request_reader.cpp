#include "sandbox/request_reader.hpp"

#include <fmt/format.h>

#include <utility>

#include "ratebatch/base/text.hpp"

namespace ratebatch::sandbox {

RequestReader::RequestReader(const Question& question, MissingWords missing,
                             std::string_view method)
    : question_(question), missing_(missing), trouble_(check_method(question, method)) {}

void RequestReader::refuse(std::string message, std::string param, std::string code) {
  refuse(
      Trouble{.message = std::move(message), .param = std::move(param), .code = std::move(code)});
}

void RequestReader::refuse(Trouble trouble) {
  if (!trouble_) trouble_ = std::move(trouble);
}

void RequestReader::refuse_if(bool wrong, const char* message, const char* param) {
  if (wrong) refuse(message, param);
}

void RequestReader::missing(const std::string& name) {
  refuse(fmt::format(fmt::runtime(missing_.message), name), name, missing_.code);
}

void RequestReader::read_json() {
  if (trouble_) return;
  auto json = read_object(question_.body);
  if (!json) return refuse(json.error());
  json_ = std::move(*json);
}

const Json& RequestReader::json() const {
  static const Json null;
  return trouble_ ? null : json_;
}

const Json* RequestReader::find(std::initializer_list<const char*> names) const {
  return find_member(json(), names);
}

const Json& RequestReader::required(const char* name) {
  if (const Json* const found = find(name)) return *found;
  missing(name);
  return json();
}

void RequestReader::set_model(std::string model, const char* too_long) {
  refuse_if(model.size() > model_name_bytes_max, too_long);
  asked.model = std::move(model);
}

void RequestReader::add_to_prompt(const std::string& text) {
  if (!asked.prompt.empty()) asked.prompt += '\n';
  asked.prompt += text;
}

void RequestReader::count_text(const std::string& text) {
  asked.input_characters += code_points(text);
}

Form RequestReader::read_recording(const char* model_field, const char* too_long) {
  asked.kind = Generation::Kind::transcription;
  if (trouble_) return {};
  auto form = Form::read(question_.header("Content-Type"), question_.body);
  if (!form) {
    refuse(form.error());
    return {};
  }
  const FormPart* const file = form->find("file");
  if (file == nullptr || !file->file_name || file->bytes.empty()) {
    missing("file");
    return {};
  }
  set_model(form->text(model_field), too_long);
  if (asked.model.empty()) missing(model_field);
  // What is said in a file follows from its bytes.
  asked.prompt = "what is heard in " + fnv1a_64_hex(file->bytes);
  asked.file_bytes = static_cast<std::int64_t>(file->bytes.size());
  return std::move(*form);
}

void RequestReader::refuse_stream(const char* param) {
  const Json* const stream = find("stream");
  refuse_if(stream != nullptr && *stream != false,
            "The sandbox does not stream: leave 'stream' out.", param);
}

ReadRequest RequestReader::take() {
  if (trouble_) return tl::unexpected(std::move(*trouble_));
  return std::move(asked);
}

std::int64_t positive(const Json& number) {
  // Converted only as an integer: a larger unsigned one comes out negative, and is refused too.
  const std::int64_t value = number.is_number_integer() ? number.get<std::int64_t>() : 0;
  return value < 1 ? 0 : value;
}

}  // namespace ratebatch::sandbox
