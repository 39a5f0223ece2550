// What a job asks, in the pieces that APIs with a form of their own are asked in: its messages,
// taken out of OpenAI's form, and its files.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "provider/neutral_params.hpp"
#include "ratebatch/base/result.hpp"
#include "ratebatch/json/writer.hpp"
#include "ratebatch/model/job_content.hpp"

namespace ratebatch::provider {

struct Turn {
  bool is_model = false;  // Else of the user.
  Json parts;  // An array of objects: {"type":"text","text":...}, or as the job has them.
};

struct Conversation {
  std::vector<Json> system;  // Of each system or developer message the parts.
  std::vector<Turn> turns;   // At least one.
};

// The job's messages, else its prompt, after its system text; an empty prompt makes a turn without
// parts where the job has files. Fails with invalid_input if the job asks for nothing, and for
// messages that are malformed or of another role, such as tool.
Result<Conversation> read_conversation(const JobContent& content);

// The last turn of the user, where files belong. Fails with invalid_input if there is none.
Result<Turn*> last_user_turn(Conversation& conversation);

// How an API writes a turn: the role of the model's, the member that holds the parts, and a file
// and a part of the job in the API's form. Both of these may fail with invalid_input.
struct TurnForm {
  const char* model_role;
  const char* parts_member;
  Result<Json> (*file_part)(const JobFile& file);
  Result<Json> (*own_part)(Json part);
};

// The turns of the conversation as an array, `files` before the parts of the last turn of the user.
// Fails with invalid_input as `form` does, and where no turn can hold the files.
Result<Json> written_turns(Conversation& conversation, std::span<const JobFile> files,
                           const TurnForm& form);

// The text of parts, one part a line.
std::string text_in_parts(const Json& parts);

// The job's messages as they stand, else the one that its prompt makes, else none; its system text
// before them if there are any and `with_system` says so. Fails with invalid_input as
// check_messages.
Result<Json> plain_messages(const JobContent& content, bool with_system);

// The parameters of a job that has a prompt and nothing else. Fails with invalid_input, naming
// `what` it asks for ("an image"), if it has files or no prompt, and as NeutralParams::read.
Result<NeutralParams> params_of_prompt(const JobContent& content, std::string_view what);

// A picture or sound of a message in OpenAI's form: base64 with its type, or a URL.
struct MediaPart {
  std::string media_type;
  std::string base64;
  std::string url;
};

// Nothing for parts that are neither image_url nor input_audio.
std::optional<MediaPart> media_in_part(const Json& part);

// The job's own body, see whole_body. Also fails with invalid_input if it was written for a path
// of OpenAI's API, which `api` does not have.
Result<std::string> own_body(const JobContent& content, std::string_view api);

// Takes n. Fails with invalid_input unless it is absent or 1: one job has one answer.
Result<void> take_one_answer(NeutralParams& params);

// Takes stop: a text or a list of texts; always a list here.
std::optional<Json> take_stops(NeutralParams& params);

// Takes format, of an answer that is a text: true for "json", false for "text" and where it is
// absent. Fails with invalid_input for all others.
Result<bool> take_json_format(NeutralParams& params);

}  // namespace ratebatch::provider
