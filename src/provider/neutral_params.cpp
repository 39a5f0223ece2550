#include "provider/neutral_params.hpp"

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::provider {
namespace {

constexpr std::int64_t side_max = 65'535;  // Of ours, in pixels: JPEG has no larger picture.

tl::unexpected<Error> bad_params(std::string message) {
  return fail(ErrorCode::invalid_input, "params" + std::move(message));
}

// 0 if it is no side.
std::int64_t side_in(std::string_view text) {
  const std::int64_t side = whole_number<std::int64_t>(text).value_or(0);
  return side >= 1 && side <= side_max ? side : 0;
}

std::optional<PictureSize> size_in(std::string_view text) {
  const Parted sides = parted(text, 'x');
  const PictureSize size{.width = side_in(sides.before),
                         .height = side_in(sides.after.value_or(""))};
  return size.width > 0 && size.height > 0 ? std::optional(size) : std::nullopt;
}

// 0 if it is no side.
std::int64_t side_of(const std::optional<Json>& value) {
  return value && value->is_number_integer() ? side_in(json::written(*value)) : 0;
}

}  // namespace

Result<NeutralParams> NeutralParams::read(std::string_view params_json) {
  std::optional<Json> params = json::parse_lenient(params_json);
  if (!params || !params->is_object()) return bad_params(" must be a JSON object");
  const Json* stream = json::member(*params, "stream");
  if (stream != nullptr && *stream != false) {
    return bad_params(" must not set stream: answers are read whole");
  }
  params->erase("stream");
  return NeutralParams(std::move(*params));
}

std::optional<Json> NeutralParams::take(const char* name) {
  const auto found = params_.find(name);
  if (found == params_.end()) return std::nullopt;
  Json value = std::move(*found);
  params_.erase(found);
  return value.is_null() ? std::nullopt : std::optional(std::move(value));
}

Result<std::optional<std::string>> NeutralParams::take_text(const char* name) {
  std::optional<Json> value = take(name);
  if (!value) return std::nullopt;
  if (!value->is_string()) return bad_params("." + std::string(name) + " must be a text");
  return value->get<std::string>();
}

Result<std::optional<PictureSize>> NeutralParams::take_size() {
  const std::optional<Json> size = take("size");
  const std::optional<Json> width = take("width");
  const std::optional<Json> height = take("height");
  std::optional<PictureSize> by_size;
  if (size && *size != "auto") {
    if (size->is_string()) by_size = size_in(size->get_ref<const std::string&>());
    if (!by_size) {
      return bad_params(".size must be a text such as \"1024x768\", with sides from 1 to " +
                        grouped(side_max));
    }
  }
  if (!width && !height) return by_size;
  const PictureSize by_sides{.width = side_of(width), .height = side_of(height)};
  if (by_sides.width == 0 || by_sides.height == 0) {
    return bad_params(".width and params.height must both be given, as whole numbers from 1 to " +
                      grouped(side_max));
  }
  if (by_size && *by_size != by_sides) {
    return bad_params(".size says something else than params.width and params.height: give one");
  }
  return by_sides;
}

void NeutralParams::move(const char* neutral, Json& body, const char* own) {
  std::optional<Json> value = take(neutral);
  if (value && json::member(params_, own) == nullptr) body[own] = std::move(*value);
}

Result<void> NeutralParams::pour(Json& body, std::initializer_list<const char*> reserved) {
  for (const char* name : reserved) {
    if (params_.contains(name)) {
      return bad_params(" must not name " + std::string(name) +
                        ": it has its own field in the job");
    }
  }
  body.update(params_);
  return {};
}

Result<std::string> NeutralParams::written_with(Json body,
                                                std::initializer_list<const char*> reserved) {
  return pour(body, reserved).map([&] { return json::written(body); });
}

}  // namespace ratebatch::provider
