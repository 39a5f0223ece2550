#include "provider/reply_json.hpp"

#include "provider/foreign_text.hpp"

namespace ratebatch::provider {
namespace {

// Looked at before parsing, so that a hostile text never becomes a deep tree. Right for every text
// that is JSON; others fail to parse anyway.
bool is_too_deep(std::string_view text) {
  int depth = 0;
  bool in_string = false;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const char c = text[at];
    if (in_string) {
      if (c == '\\') ++at;
      if (c == '"') in_string = false;
    } else if (c == '"') {
      in_string = true;
    } else if (c == '[' || c == '{') {
      if (++depth > reply_json_depth_max) return true;
    } else if (c == ']' || c == '}') {
      --depth;
    }
  }
  return false;
}

}  // namespace

std::string_view without_end_zeros(std::string_view text) {
  while (text.ends_with('\0')) text.remove_suffix(1);
  return text;
}

std::optional<Json> read_json(std::string_view text) {
  text = without_end_zeros(text);
  // The parser takes a zero byte for the end of the text, and ignores what follows.
  if (text.find('\0') != std::string_view::npos || is_too_deep(text)) return std::nullopt;
  Json value = Json::parse(with_utf8_repaired(text), nullptr, false);
  if (value.is_discarded()) return std::nullopt;
  return value;
}

const Json* member(const Json& value, const char* name) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(name);
  return found == value.end() || found->is_null() ? nullptr : &*found;
}

const Json* first_element(const Json* value) {
  return value == nullptr || !value->is_array() || value->empty() ? nullptr : &value->front();
}

std::string text_member(const Json& value, const char* name) {
  const Json* found = member(value, name);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

std::int64_t count_member(const Json& value, const char* name) {
  const Json* found = member(value, name);
  if (found == nullptr || !found->is_number_integer()) return 0;
  // A number above the signed range turns negative here, which is as good as none.
  const auto count = found->get<std::int64_t>();
  return count > 0 ? count : 0;
}

std::string written_json(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

}  // namespace ratebatch::provider
