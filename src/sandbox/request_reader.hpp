// Reads a request member by member into a Generation, and keeps the first thing that is wrong with
// it. After that every member reads as absent or empty, so that readers need no way out of their
// own: whatever they say later is not heard.
#pragma once

#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>

#include "sandbox/api.hpp"
#include "sandbox/form_data.hpp"
#include "sandbox/json_body.hpp"

namespace ratebatch::sandbox {

// Names of models come from requests: longer ones are refused.
constexpr std::size_t model_name_bytes_max = 256;

// What an API says where a member is missing; {} in `message` stands for its name.
struct MissingWords {
  const char* message = "";
  const char* code = "";
};

class RequestReader {
 public:
  // Expects this method. `question` outlives the reader.
  explicit RequestReader(const Question& question, MissingWords missing = {},
                         std::string_view method = "POST");

  Generation asked;

  // Notes what is wrong; only the first call of these has an effect.
  void refuse(std::string message, std::string param = "", std::string code = "");
  void refuse(Trouble trouble);
  void refuse_if(bool wrong, const char* message, const char* param = "");

  // Refuses with the API's words for a missing member.
  void missing(const std::string& name);

  // Reads the body as a JSON object, which the members below are read from.
  void read_json();

  // Null before read_json, and where anything is wrong.
  [[nodiscard]] const Json& json() const;

  // The member, under the first of its names that is there; nullptr if there is none.
  [[nodiscard]] const Json* find(std::initializer_list<const char*> names) const;
  [[nodiscard]] const Json* find(const char* name) const { return find({name}); }

  // The same, but refuses where it is missing; null then.
  const Json& required(const char* name);

  // Sets asked.model, and refuses one that is too long.
  void set_model(std::string model, const char* too_long);

  // The texts of the user's messages make the prompt.
  void add_to_prompt(const std::string& text);
  void count_text(const std::string& text);

  // Reads a transcription from a form with a file, and with the name of the model in `model_field`.
  // The form is empty if anything is wrong.
  Form read_recording(const char* model_field, const char* too_long);

  // Refuses a request for a stream, which the sandbox does not have.
  void refuse_stream(const char* param = "");

  // What was read, or what is wrong with it. Call it once.
  ReadRequest take();

 private:
  const Question& question_;
  MissingWords missing_;
  Json json_;
  std::optional<Trouble> trouble_;
};

// A whole number of at least 1; 0 if the member is anything else.
std::int64_t positive(const Json& number);

}  // namespace ratebatch::sandbox
