#include "ratebatch/json/writer.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <vector>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::json {
namespace {

bool is_continuation(char c) { return (static_cast<unsigned char>(c) & 0xC0U) == 0x80; }

// Where the parser stopped, for a reader who has the line in an editor.
std::string describe_syntax(std::string_view text, std::size_t position) {
  // The position is that of the last byte read, counted from 1; one behind the end at the end.
  if (position > text.size()) return "invalid JSON: the line ends before the value is complete";
  const std::size_t at = position == 0 ? 0 : position - 1;
  const auto characters =
      std::count_if(text.begin(), text.begin() + static_cast<std::ptrdiff_t>(at),
                    [](char c) { return !is_continuation(c); });
  constexpr std::size_t shown_bytes = 12;
  std::size_t from = at > shown_bytes ? at - shown_bytes : 0;
  std::size_t to = std::min(text.size(), at + shown_bytes);
  while (from < at && is_continuation(text[from])) ++from;
  while (to < text.size() && is_continuation(text[to])) ++to;
  return fmt::format("invalid JSON at column {}, near '{}'", characters + 1,
                     escaped(text.substr(from, to - from)));
}

// Builds the tree from parser events, and stops the parser at the first thing we refuse.
class JsonTreeBuilder final : public nlohmann::json_sax<Json> {
 public:
  // `lenient`: with the numbers and names of parse_lenient().
  JsonTreeBuilder(std::string_view text, bool lenient) : text_(text), lenient_(lenient) {}

  bool null() override { return put(nullptr) != nullptr; }
  bool boolean(bool value) override { return put(value) != nullptr; }
  bool number_integer(number_integer_t value) override { return put(value) != nullptr; }
  bool number_unsigned(number_unsigned_t value) override { return put(value) != nullptr; }
  bool number_float(number_float_t value, const string_t& token) override {
    // A whole number arrives here only where it fits no 64-bit integer.
    const bool is_whole = token.find_first_of(".eE") == std::string::npos;
    if (is_whole && !lenient_) return refuse_number(token);
    return put(value) != nullptr;
  }
  bool string(string_t& value) override { return put(std::move(value)) != nullptr; }
  bool binary(binary_t&) override { return false; }

  bool start_object(std::size_t) override { return open(Json::object()); }
  bool start_array(std::size_t) override { return open(Json::array()); }
  bool end_object() override { return close(); }
  bool end_array() override { return close(); }

  bool key(string_t& name) override {
    auto [entry, fresh] = open_.back()->get_ref<Json::object_t&>().emplace(name, nullptr);
    slot_ = &entry->second;
    if (fresh || lenient_) return true;
    return refuse(Fault::duplicate_key,
                  fmt::format("key '{}' stands twice in one object", escaped(name, 80)));
  }

  bool parse_error(std::size_t position, const std::string& token,
                   const nlohmann::detail::exception& cause) override {
    // 406: a number beyond the range of a double.
    if (cause.id == 406) return refuse_number(token);
    return refuse(Fault::syntax, describe_syntax(text_, position));
  }

  Json take_root() { return std::move(root_); }
  ParseError take_error() { return std::move(error_); }

 private:
  // Stores a value at its place. The pointer stays good while the value is the innermost one open.
  Json* put(Json value) {
    if (open_.empty()) {
      root_ = std::move(value);
      return &root_;
    }
    if (open_.back()->is_array()) {
      open_.back()->push_back(std::move(value));
      return &open_.back()->back();
    }
    *slot_ = std::move(value);
    return slot_;
  }

  bool open(Json container) {
    if (open_.size() == depth_max) {
      return refuse(Fault::too_deep,
                    fmt::format("arrays and objects are nested more than {} deep", depth_max));
    }
    open_.push_back(put(std::move(container)));
    return true;
  }

  bool close() {
    open_.pop_back();
    return true;
  }

  bool refuse(Fault fault, std::string message) {
    error_ = ParseError{fault, std::move(message)};
    return false;
  }

  bool refuse_number(const std::string& token) {
    return refuse(Fault::number, fmt::format("number {} is out of range; write it as a string",
                                             escaped(token, 40)));
  }

  std::string_view text_;
  bool lenient_;
  Json root_;
  std::vector<Json*> open_;
  Json* slot_ = nullptr;
  ParseError error_;
};

}  // namespace

tl::expected<Json, ParseError> parse(std::string_view text) {
  if (!is_valid_utf8(text)) {
    return tl::unexpected<ParseError>({Fault::syntax, "invalid UTF-8"});
  }
  // The parser takes a NUL for the end of the text: what follows would be ignored silently.
  if (const std::size_t nul = text.find('\0'); nul != std::string_view::npos) {
    return tl::unexpected<ParseError>({Fault::syntax, describe_syntax(text, nul + 1)});
  }
  JsonTreeBuilder builder(text, false);
  if (!Json::sax_parse(text.begin(), text.end(), &builder)) {
    return tl::unexpected<ParseError>(builder.take_error());
  }
  return builder.take_root();
}

Json parse_valid(std::string_view text) {
  tl::expected<Json, ParseError> parsed = parse(text);
  RB_ASSERT(parsed.has_value());
  return std::move(*parsed);
}

std::string canonical(const Json& value) { return value.dump(); }

std::optional<Json> parse_lenient(std::string_view text) {
  text = text.substr(0, text.find_last_not_of('\0') + 1);
  if (text.find('\0') != std::string_view::npos) return std::nullopt;
  const std::string repaired = with_utf8_repaired(text);
  JsonTreeBuilder builder(repaired, true);
  if (!Json::sax_parse(repaired, &builder)) return std::nullopt;
  return builder.take_root();
}

std::string as_text(const Json& value) {
  return value.is_string() ? value.get<std::string>() : written(value);
}

const Json* member(const Json& value, const char* name) {
  if (!value.is_object()) return nullptr;
  const auto found = value.find(name);
  return found == value.end() || found->is_null() ? nullptr : &*found;
}

std::string text_member(const Json& value, const char* name) {
  const Json* found = member(value, name);
  return found != nullptr && found->is_string() ? found->get<std::string>() : std::string();
}

std::string written(const Json& value) {
  return value.dump(-1, ' ', false, Json::error_handler_t::replace);
}

std::string written(const OrderedJson& value) {
  return value.dump(-1, ' ', false, OrderedJson::error_handler_t::replace);
}

}  // namespace ratebatch::json
