#include <fmt/format.h>

#include <algorithm>
#include <array>
#include <initializer_list>
#include <utility>

#include "sandbox/openai.hpp"
#include "sandbox/request_reader.hpp"

namespace ratebatch::sandbox {
namespace {

using Kind = Generation::Kind;

// No embedding model has more (OpenAI's largest: 3072).
constexpr std::int64_t dimensions_max = 4096;

constexpr const char* model_too_long = "The model name is too long.";

void read_messages(RequestReader& in, const Json& messages, const char* name) {
  for (const Json& message : messages) {
    const bool good = message.is_object() && message.contains("role") &&
                      message["role"].is_string() && message.contains("content");
    if (!good) {
      return in.refuse(
          fmt::format("Invalid value for '{}': each one needs a 'role' and a 'content'.", name),
          name);
    }
    const std::string text = text_of_parts(message["content"]);
    in.count_text(text);
    if (message["role"] == "user") in.add_to_prompt(text);
  }
}

// A whole number of at least 1 into `number`, if the member is there.
void read_count(RequestReader& in, const char* name, std::optional<std::int64_t>& number) {
  const Json* const found = in.find(name);
  if (found == nullptr || found->is_null()) return;
  number = positive(*found);
  if (*number < 1) in.refuse(fmt::format("Invalid '{}': expected at least 1.", name), name);
}

// A member that must be a text: the prompt.
void read_prompt(RequestReader& in, const char* name, bool may_be_empty = true) {
  const Json& prompt = in.required(name);
  if (!prompt.is_string() || (!may_be_empty && prompt == "")) {
    return in.refuse(fmt::format("Invalid '{}': expected a text.", name), name);
  }
  in.asked.prompt = prompt.get<std::string>();
  in.count_text(in.asked.prompt);
}

void refuse_unknown(RequestReader& in, const char* name) {
  if (in.find(name) == nullptr) return;
  in.refuse(fmt::format("Unknown parameter: '{}'.", name), name, "unknown_parameter");
}

// OpenAI's reasoning models, of which it says that they take max_completion_tokens only.
bool is_reasoning(std::string_view model) {
  return model.starts_with("o1") || model.starts_with("o3") || model.starts_with("o4") ||
         model.starts_with("gpt-5");
}

// Whether this member says that the answer is to be JSON, free or by a schema.
bool is_json_format(const Json* format) {
  if (format == nullptr) return false;
  const std::string type = json::text_member(*format, "type");
  return type == "json_object" || type == "json_schema";
}

void read_chat(RequestReader& in, OpenAiFlavour flavour) {
  const Json& messages = in.required("messages");
  in.refuse_if(!messages.is_array() || messages.empty(),
               "Invalid 'messages': expected a list of at least one message.", "messages");
  read_messages(in, messages, "messages");
  if (flavour == OpenAiFlavour::openai && is_reasoning(in.asked.model) &&
      in.find("max_tokens") != nullptr) {
    in.refuse(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
        "'max_completion_tokens' instead.",
        "max_tokens", "unsupported_parameter");
  }
  in.asked.wants_json = is_json_format(in.find("response_format"));
  read_count(in, "max_tokens", in.asked.tokens_max);
  read_count(in, "max_completion_tokens", in.asked.tokens_max);
}

void read_responses(RequestReader& in, OpenAiFlavour /*flavour*/) {
  const Json& input = in.required("input");
  if (input.is_string()) {
    read_prompt(in, "input");
  } else if (!input.is_array() || input.empty()) {
    in.refuse("Invalid 'input': expected a text or a list of messages.", "input");
  } else {
    read_messages(in, input, "input");
  }
  in.count_text(json::text_member(in.json(), "instructions"));
  const Json* const text = in.find("text");
  in.asked.wants_json = text != nullptr && is_json_format(find_member(*text, {"format"}));
  refuse_unknown(in, "messages");
  refuse_unknown(in, "max_tokens");
  read_count(in, "max_output_tokens", in.asked.tokens_max);
}

void read_completion(RequestReader& in, OpenAiFlavour /*flavour*/) {
  read_prompt(in, "prompt");
  read_count(in, "max_tokens", in.asked.tokens_max);
}

// The format of the answer, where "" stands for a request that names none.
void read_format(RequestReader& in, std::initializer_list<std::string_view> formats,
                 std::string wanted, const char* message) {
  in.refuse_if(std::ranges::find(formats, wanted) == formats.end(), message, "response_format");
  in.asked.format = std::move(wanted);
}

// How the picture comes back: "b64_json" or "url", as the model has it.
void read_picture_format(RequestReader& in, OpenAiFlavour flavour) {
  std::string wanted = json::text_member(in.json(), "response_format");
  std::string& format = in.asked.format;
  if (flavour == OpenAiFlavour::together) {
    read_format(in, {"", "url", "base64"}, std::move(wanted),
                "Invalid 'response_format': expected base64 or url.");
    format = format == "base64" ? "b64_json" : "url";
  } else if (in.asked.model.starts_with("dall-e")) {
    read_format(in, {"", "url", "b64_json"}, std::move(wanted),
                "Invalid 'response_format': expected url or b64_json.");
    if (format.empty()) format = "url";
  } else {
    refuse_unknown(in, "response_format");
    format = "b64_json";
  }
}

void read_image(RequestReader& in, OpenAiFlavour flavour) {
  read_prompt(in, "prompt");
  const std::string size = json::text_member(in.json(), "size");
  if (!size.empty()) in.asked.size = size;
  read_picture_format(in, flavour);
  const Json* const n = in.find("n");
  if (n == nullptr || n->is_null()) return;
  in.asked.pictures = positive(*n);
  if (in.asked.pictures < 1 || in.asked.pictures > pictures_max) {
    in.refuse(fmt::format("Invalid 'n': expected 1 to {}.", pictures_max), "n");
  }
}

void read_speech(RequestReader& in, OpenAiFlavour /*flavour*/) {
  read_prompt(in, "input", false);
  in.required("voice");
  read_format(in, {"", "mp3", "opus", "aac", "flac", "wav", "pcm"},
              json::text_member(in.json(), "response_format"),
              "Invalid 'response_format': expected mp3, opus, aac, flac, wav or pcm.");
}

void read_transcription(RequestReader& in, OpenAiFlavour /*flavour*/) {
  const Form form = in.read_recording("model", model_too_long);
  in.count_text(form.text("prompt"));
  read_format(in, {"", "json", "text", "srt", "vtt", "verbose_json"}, form.text("response_format"),
              "Invalid 'response_format': expected json, text, srt, vtt or verbose_json.");
}

// A text, a list of texts, or lists of token numbers, of which each counts as four characters.
void read_inputs(RequestReader& in, OpenAiFlavour /*flavour*/) {
  const Json& input = in.required("input");
  const bool is_one = input.is_string() ||
                      (input.is_array() && !input.empty() && input.front().is_number_integer());
  const Json list = is_one ? Json::array({input}) : input;
  if (!list.is_array() || list.empty()) {
    return in.refuse("Invalid 'input': expected a text or a list of at least one.", "input");
  }
  for (const Json& one : list) {
    if (!one.is_string() && !one.is_array()) return in.refuse("Invalid 'input': no text.", "input");
    in.asked.inputs.push_back(json::as_text(one));
    if (one.is_string()) in.count_text(in.asked.inputs.back());
    if (one.is_array()) in.asked.input_characters += 4 * static_cast<std::int64_t>(one.size());
  }
  in.asked.format = json::text_member(in.json(), "encoding_format");
  std::optional<std::int64_t> dimensions;
  read_count(in, "dimensions", dimensions);
  in.asked.dimensions = std::min(dimensions.value_or(embedding_dimensions), dimensions_max);
}

// The two members that say what is compared with what.
using PairNames = std::array<const char*, 2>;

// Of /score, as versions of vLLM have called them.
constexpr std::array<PairNames, 3> score_names = {
    {{"text_1", "text_2"}, {"queries", "documents"}, {"data_1", "data_2"}}};

// What is compared with one text: texts that are given one by one or as a list.
void read_pairs(RequestReader& in, const PairNames& names) {
  const Json& query = in.required(names.front());
  const Json& documents = in.required(names.back());
  for (const Json& document : documents.is_array() ? documents : Json::array({documents})) {
    in.asked.inputs.push_back(json::as_text(document));
    in.count_text(in.asked.inputs.back());
  }
  in.asked.prompt = json::as_text(query);
  in.count_text(in.asked.prompt);
}

void read_score(RequestReader& in, OpenAiFlavour /*flavour*/) {
  const auto found = std::ranges::find_if(
      score_names, [&](const PairNames& names) { return in.find(names.front()) != nullptr; });
  read_pairs(in, found == score_names.end() ? score_names.front() : *found);
}

void read_rerank(RequestReader& in, OpenAiFlavour /*flavour*/) {
  read_pairs(in, {"query", "documents"});
}

struct Endpoint {
  std::string_view path;
  Kind kind;
  void (*read)(RequestReader& in, OpenAiFlavour flavour);
};

constexpr std::array<Endpoint, 10> endpoints = {
    {{"/chat/completions", Kind::chat, read_chat},
     {"/responses", Kind::responses, read_responses},
     {"/completions", Kind::completion, read_completion},
     {"/images/generations", Kind::image, read_image},
     {"/embeddings", Kind::embedding, read_inputs},
     {"/audio/speech", Kind::speech, read_speech},
     {"/audio/transcriptions", Kind::transcription, read_transcription},
     {"/moderations", Kind::moderation, read_inputs},
     {"/score", Kind::score, read_score},
     {"/rerank", Kind::rerank, read_rerank}}};

// What all bodies in JSON have.
void read_model(RequestReader& in) {
  in.read_json();
  std::string model = json::text_member(in.json(), "model");
  if (in.asked.kind == Kind::moderation && in.find("model") == nullptr) {
    model = "omni-moderation-latest";
  }
  in.refuse_if(model.empty(), "you must provide a model parameter", "model");
  in.set_model(std::move(model), model_too_long);
  in.refuse_stream("stream");
}

}  // namespace

ReadRequest read_openai(const Question& question, std::string_view rest, OpenAiFlavour flavour) {
  const auto endpoint = std::ranges::find(endpoints, rest, &Endpoint::path);
  if (endpoint == endpoints.end()) return no_such_path(question);
  RequestReader in(question, {"Missing required parameter: '{}'.", "missing_required_parameter"});
  in.asked.kind = endpoint->kind;
  if (endpoint->kind != Kind::transcription) read_model(in);
  endpoint->read(in, flavour);
  return in.take();
}

}  // namespace ratebatch::sandbox
