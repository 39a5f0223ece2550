// What Together.ai does otherwise than OpenAI.
//
// Source: docs.together.ai, API reference of images and speech, 2026. Its answers name pictures as
// OpenAI's do, and its errors are read by the code all dialects share.
#include <optional>
#include <string>
#include <utility>

#include "provider/neutral_params.hpp"
#include "provider/openai.hpp"
#include "provider/request_frame.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::provider {
namespace {

// Its word for PNG and JPEG; all others go as they are, for the server to judge.
std::string own_format(const std::string& format) { return format == "jpg" ? "jpeg" : format; }

Result<std::string> together_image_body(const JobContent& content, const Endpoint& endpoint) {
  if (!content.files.empty()) return bad_job("an image takes no files");
  if (content.prompt.empty()) return bad_job("an image needs a prompt, or a whole body");
  Result<NeutralParams> params = NeutralParams::read(content.params_json);
  if (!params) return pass(params);
  // Its word for what the answer then calls b64_json. Given otherwise, the answer's links are
  // fetched.
  Json body = {
      {"model", endpoint.model_id}, {"prompt", content.prompt}, {"response_format", "base64"}};
  const Result<std::optional<PictureSize>> size = params->take_size();
  if (!size) return tl::unexpected<Error>(size.error());
  if (*size) {
    body["width"] = (*size)->width;
    body["height"] = (*size)->height;
  }
  const Result<std::optional<std::string>> format = params->take_text("format");
  if (!format) return tl::unexpected<Error>(format.error());
  if (*format) body["output_format"] = own_format(**format);
  Result<void> poured = params->pour(body, {"model", "prompt"});
  if (!poured) return pass(poured);
  return json::written(body);
}

}  // namespace

OpenAiVariant together_variant() {
  return {.image_body = together_image_body, .default_voice = {}};
}

}  // namespace ratebatch::provider
