#include "sandbox/openai_requests.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <array>

#include "ratebatch/base/assert.hpp"
#include "sandbox/form_data.hpp"
#include "sandbox/json_body.hpp"
#include "sandbox/prose.hpp"

namespace ratebatch::sandbox {
namespace {

using Kind = Generation::Kind;
using ReadGeneration = tl::expected<Generation, Trouble>;

// No embedding model has more (OpenAI's largest: 3072).
constexpr std::int64_t dimensions_max = 4096;

struct Place {
  std::string_view path;
  Kind kind;
};

constexpr std::array<Place, 10> places = {{{"/chat/completions", Kind::chat},
                                           {"/responses", Kind::responses},
                                           {"/completions", Kind::completion},
                                           {"/images/generations", Kind::image},
                                           {"/embeddings", Kind::embedding},
                                           {"/audio/speech", Kind::speech},
                                           {"/audio/transcriptions", Kind::transcription},
                                           {"/moderations", Kind::moderation},
                                           {"/score", Kind::score},
                                           {"/rerank", Kind::rerank}}};

tl::unexpected<Trouble> missing(const std::string& param) {
  return refuse(fmt::format("Missing required parameter: '{}'.", param), param,
                "missing_required_parameter");
}

void count_text(Generation& asked, const std::string& text) {
  asked.input_characters += character_count(text);
}

void add_to_prompt(Generation& asked, const std::string& text) {
  if (!asked.prompt.empty()) asked.prompt += '\n';
  asked.prompt += text;
}

// Reads messages into `asked`; says what is wrong with them, if anything is.
std::optional<std::string> read_messages(const Json& messages, const char* name,
                                         Generation& asked) {
  for (const Json& message : messages) {
    const bool good = message.is_object() && message.contains("role") &&
                      message["role"].is_string() && message.contains("content");
    if (!good) {
      return fmt::format("Invalid value for '{}': each one needs a 'role' and a 'content'.", name);
    }
    const std::string text = text_of_parts(message["content"]);
    count_text(asked, text);
    if (message["role"] == "user") add_to_prompt(asked, text);
  }
  return std::nullopt;
}

// A whole number of at least 1 into `number`, if the member is there.
tl::expected<void, Trouble> read_count(const Json& json, const char* name,
                                       std::optional<std::int64_t>& number) {
  const auto found = json.find(name);
  if (found == json.end() || found->is_null()) return {};
  // Converted only as an integer: a larger unsigned one comes out negative, and is refused too.
  const std::int64_t value = found->is_number_integer() ? found->get<std::int64_t>() : 0;
  if (value < 1) return refuse(fmt::format("Invalid '{}': expected at least 1.", name), name);
  number = value;
  return {};
}

// OpenAI's reasoning models, of which it says that they take max_completion_tokens only.
bool is_reasoning(std::string_view model) {
  return model.starts_with("o1") || model.starts_with("o3") || model.starts_with("o4") ||
         model.starts_with("gpt-5");
}

// Whether this member says that the answer is to be JSON, free or by a schema.
bool is_json_format(const Json& object, const char* name) {
  const auto format = object.find(name);
  if (format == object.end() || !format->is_object()) return false;
  const std::string type = text_at(*format, "type");
  return type == "json_object" || type == "json_schema";
}

ReadGeneration read_chat(const Json& json, Generation asked, OpenAiFlavour flavour) {
  const auto messages = json.find("messages");
  if (messages == json.end()) return missing("messages");
  if (!messages->is_array() || messages->empty()) {
    return refuse("Invalid 'messages': expected a list of at least one message.", "messages");
  }
  if (const auto wrong = read_messages(*messages, "messages", asked)) {
    return refuse(*wrong, "messages");
  }
  if (flavour == OpenAiFlavour::openai && is_reasoning(asked.model) &&
      json.contains("max_tokens")) {
    return refuse(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
        "'max_completion_tokens' instead.",
        "max_tokens", "unsupported_parameter");
  }
  asked.wants_json = is_json_format(json, "response_format");
  for (const char* name : {"max_tokens", "max_completion_tokens"}) {
    if (auto read = read_count(json, name, asked.tokens_max); !read)
      return tl::unexpected(read.error());
  }
  return asked;
}

ReadGeneration read_responses(const Json& json, Generation asked) {
  const auto input = json.find("input");
  if (input == json.end()) return missing("input");
  if (input->is_string()) {
    asked.prompt = input->get<std::string>();
    count_text(asked, asked.prompt);
  } else if (!input->is_array() || input->empty()) {
    return refuse("Invalid 'input': expected a text or a list of messages.", "input");
  } else if (const auto wrong = read_messages(*input, "input", asked)) {
    return refuse(*wrong, "input");
  }
  count_text(asked, text_at(json, "instructions"));
  const auto text = json.find("text");
  asked.wants_json = text != json.end() && text->is_object() && is_json_format(*text, "format");
  for (const char* foreign : {"messages", "max_tokens"}) {
    if (json.contains(foreign)) {
      return refuse(fmt::format("Unknown parameter: '{}'.", foreign), foreign, "unknown_parameter");
    }
  }
  if (auto read = read_count(json, "max_output_tokens", asked.tokens_max); !read) {
    return tl::unexpected(read.error());
  }
  return asked;
}

ReadGeneration read_completion(const Json& json, Generation asked) {
  const auto prompt = json.find("prompt");
  if (prompt == json.end()) return missing("prompt");
  if (!prompt->is_string()) return refuse("Invalid 'prompt': expected a text.", "prompt");
  asked.prompt = prompt->get<std::string>();
  count_text(asked, asked.prompt);
  if (auto read = read_count(json, "max_tokens", asked.tokens_max); !read) {
    return tl::unexpected(read.error());
  }
  return asked;
}

// How the picture comes back: "b64_json" or "url", as the model has it.
tl::expected<std::string, Trouble> picture_format(const Json& json, const std::string& model,
                                                  OpenAiFlavour flavour) {
  const std::string wanted = text_at(json, "response_format");
  if (flavour == OpenAiFlavour::together) {
    if (wanted.empty() || wanted == "url") return "url";
    if (wanted == "base64") return "b64_json";
    return refuse("Invalid 'response_format': expected base64 or url.", "response_format");
  }
  if (!model.starts_with("dall-e")) {
    if (!json.contains("response_format")) return "b64_json";
    return refuse("Unknown parameter: 'response_format'.", "response_format", "unknown_parameter");
  }
  if (wanted.empty() || wanted == "url" || wanted == "b64_json") {
    return wanted.empty() ? "url" : wanted;
  }
  return refuse("Invalid 'response_format': expected url or b64_json.", "response_format");
}

ReadGeneration read_image(const Json& json, Generation asked, OpenAiFlavour flavour) {
  const auto prompt = json.find("prompt");
  if (prompt == json.end()) return missing("prompt");
  if (!prompt->is_string()) return refuse("Invalid 'prompt': expected a text.", "prompt");
  asked.prompt = prompt->get<std::string>();
  count_text(asked, asked.prompt);
  if (const std::string size = text_at(json, "size"); !size.empty()) asked.size = size;
  auto format = picture_format(json, asked.model, flavour);
  if (!format) return tl::unexpected(format.error());
  asked.format = std::move(*format);
  if (const auto n = json.find("n"); n != json.end() && !n->is_null()) {
    const std::int64_t pictures = n->is_number_integer() ? n->get<std::int64_t>() : 0;
    if (pictures < 1 || pictures > pictures_max) {
      return refuse(fmt::format("Invalid 'n': expected 1 to {}.", pictures_max), "n");
    }
    asked.pictures = pictures;
  }
  return asked;
}

ReadGeneration read_speech(const Json& json, Generation asked) {
  const auto input = json.find("input");
  if (input == json.end()) return missing("input");
  if (!input->is_string() || input->get<std::string>().empty()) {
    return refuse("Invalid 'input': expected a text.", "input");
  }
  if (text_at(json, "voice").empty() && !json.contains("voice")) return missing("voice");
  asked.prompt = input->get<std::string>();
  count_text(asked, asked.prompt);
  asked.format = text_at(json, "response_format");
  constexpr std::array<std::string_view, 7> formats = {"",     "mp3", "opus", "aac",
                                                       "flac", "wav", "pcm"};
  if (std::ranges::find(formats, asked.format) == formats.end()) {
    return refuse("Invalid 'response_format': expected mp3, opus, aac, flac, wav or pcm.",
                  "response_format");
  }
  return asked;
}

// A text, a list of texts, or lists of token numbers, of which each counts as four characters.
ReadGeneration read_inputs(const Json& json, Generation asked) {
  const auto input = json.find("input");
  if (input == json.end()) return missing("input");
  const bool is_one = input->is_string() ||
                      (input->is_array() && !input->empty() && input->front().is_number_integer());
  const Json list = is_one ? Json::array({*input}) : *input;
  if (!list.is_array() || list.empty()) {
    return refuse("Invalid 'input': expected a text or a list of at least one.", "input");
  }
  for (const Json& one : list) {
    if (!one.is_string() && !one.is_array()) return refuse("Invalid 'input': no text.", "input");
    asked.inputs.push_back(one.is_string() ? one.get<std::string>() : written(one));
    asked.input_characters += one.is_string() ? character_count(asked.inputs.back())
                                              : 4 * static_cast<std::int64_t>(one.size());
  }
  asked.format = text_at(json, "encoding_format");
  std::optional<std::int64_t> dimensions;
  if (auto read = read_count(json, "dimensions", dimensions); !read) {
    return tl::unexpected(read.error());
  }
  asked.dimensions = std::min(dimensions.value_or(embedding_dimensions), dimensions_max);
  return asked;
}

// The two members that say what is compared with what.
using PairNames = std::array<const char*, 2>;

// Of /score, as versions of vLLM have called them.
constexpr std::array<PairNames, 3> score_names = {
    {{"text_1", "text_2"}, {"queries", "documents"}, {"data_1", "data_2"}}};

PairNames score_names_in(const Json& json) {
  const auto found = std::ranges::find_if(
      score_names, [&](const PairNames& names) { return json.contains(names.front()); });
  return found == score_names.end() ? score_names.front() : *found;
}

// What is compared with one text: texts that are given one by one or as a list.
ReadGeneration read_pairs(const Json& json, Generation asked, const PairNames& names) {
  const auto query = json.find(names.front());
  const auto documents = json.find(names.back());
  if (query == json.end()) return missing(names.front());
  if (documents == json.end()) return missing(names.back());
  const Json list = documents->is_array() ? *documents : Json::array({*documents});
  for (const Json& document : list) {
    asked.inputs.push_back(text_or_json(document));
    count_text(asked, asked.inputs.back());
  }
  asked.prompt = text_or_json(*query);
  count_text(asked, asked.prompt);
  return asked;
}

ReadGeneration read_transcription(const Question& question) {
  const auto form = Form::read(question.header("Content-Type"), question.body);
  if (!form) return refuse(form.error());
  const FormPart* file = form->find("file");
  if (file == nullptr || !file->file_name || file->bytes.empty()) return missing("file");
  Generation asked{.kind = Kind::transcription, .model = form->text("model")};
  if (asked.model.empty()) return missing("model");
  if (asked.model.size() > model_name_bytes_max) return refuse("The model name is too long.");
  asked.format = form->text("response_format");
  constexpr std::array<std::string_view, 6> formats = {"",    "json", "text",
                                                       "srt", "vtt",  "verbose_json"};
  if (std::ranges::find(formats, asked.format) == formats.end()) {
    return refuse("Invalid 'response_format': expected json, text, srt, vtt or verbose_json.",
                  "response_format");
  }
  asked.prompt = transcript_subject(file->bytes);
  asked.file_bytes = static_cast<std::int64_t>(file->bytes.size());
  asked.input_characters = character_count(form->text("prompt"));
  return asked;
}

ReadGeneration read_by_kind(const Json& json, Generation asked, OpenAiFlavour flavour) {
  switch (asked.kind) {
    case Kind::chat:
      return read_chat(json, std::move(asked), flavour);
    case Kind::responses:
      return read_responses(json, std::move(asked));
    case Kind::completion:
      return read_completion(json, std::move(asked));
    case Kind::image:
      return read_image(json, std::move(asked), flavour);
    case Kind::speech:
      return read_speech(json, std::move(asked));
    case Kind::embedding:
    case Kind::moderation:
      return read_inputs(json, std::move(asked));
    case Kind::score:
      return read_pairs(json, std::move(asked), score_names_in(json));
    case Kind::rerank:
      return read_pairs(json, std::move(asked), {"query", "documents"});
    case Kind::transcription:
      break;  // Is a form: see read_openai.
  }
  RB_ASSERT(false);
}

}  // namespace

ReadGeneration read_openai(const Question& question, std::string_view rest, OpenAiFlavour flavour) {
  const auto place = std::ranges::find(places, rest, &Place::path);
  if (place == places.end()) return no_such_path(question);
  if (auto good = expect_method(question, "POST"); !good) return tl::unexpected(good.error());
  if (place->kind == Kind::transcription) return read_transcription(question);
  auto json = read_object(question.body);
  if (!json) return refuse(json.error());
  Generation asked{.kind = place->kind, .model = text_at(*json, "model")};
  if (asked.model.empty() && asked.kind == Kind::moderation && !json->contains("model")) {
    asked.model = "omni-moderation-latest";
  }
  if (asked.model.empty()) return refuse("you must provide a model parameter", "model");
  if (asked.model.size() > model_name_bytes_max) return refuse("The model name is too long.");
  if (const auto stream = json->find("stream"); stream != json->end() && *stream != false) {
    return refuse("The sandbox does not stream: leave 'stream' out.", "stream");
  }
  return read_by_kind(*json, std::move(asked), flavour);
}

}  // namespace ratebatch::sandbox
