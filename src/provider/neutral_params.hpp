// The parameters of a job by their neutral names (max_tokens, size, voice, ...): a dialect takes
// the ones it knows, under whatever name its API has for them; what remains goes into the body as
// it is.
#pragma once

#include <cstdint>
#include <initializer_list>
#include <optional>
#include <string>
#include <string_view>
#include <utility>

#include "ratebatch/base/result.hpp"
#include "ratebatch/json/writer.hpp"

namespace ratebatch::provider {

struct PictureSize {
  std::int64_t width = 0;
  std::int64_t height = 0;

  friend bool operator==(const PictureSize&, const PictureSize&) = default;
};

class NeutralParams {
 public:
  // Fails with invalid_input if the text is no JSON object, or sets stream: answers are read
  // whole.
  static Result<NeutralParams> read(std::string_view params_json);

  // The parameter, which then no longer remains; nullopt if it is absent or null.
  std::optional<Json> take(const char* name);

  // The same for one of type text; fails with invalid_input if it is none.
  Result<std::optional<std::string>> take_text(const char* name);

  // size ("1024x768"), or width and height; all of them are taken. nullopt if none is given or
  // size is "auto" (which is then lost). Fails with invalid_input if they are no such thing.
  Result<std::optional<PictureSize>> take_size();

  // Takes `neutral` and puts it into `body` as `own`, unless the parameters also hold `own`, which
  // then wins.
  void move(const char* neutral, Json& body, const char* own);

  // Puts all that remains into `body`, over members of the same name. Fails with invalid_input,
  // naming it, where one of `reserved` remains: it has its own field in the job.
  Result<void> pour(Json& body, std::initializer_list<const char*> reserved);

  // The JSON text of `body` with all that remains in it. Fails as pour().
  Result<std::string> written_with(Json body, std::initializer_list<const char*> reserved);

 private:
  explicit NeutralParams(Json params) : params_(std::move(params)) {}

  Json params_;
};

}  // namespace ratebatch::provider
