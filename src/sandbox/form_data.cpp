#include "sandbox/form_data.hpp"

#include <algorithm>

#include "ratebatch/base/ascii.hpp"
#include "sandbox/question.hpp"

namespace ratebatch::sandbox {
namespace {

constexpr std::size_t boundary_bytes_max = 70;  // RFC 2046, 5.1.1.
constexpr std::size_t parts_max = 1000;

tl::unexpected<std::string> wrong(std::string what) { return tl::unexpected(std::move(what)); }

// Browsers write a quote or a line end in a name as %22, %0D or %0A (WHATWG HTML, multipart form
// data), and nothing else.
std::string decoded_name(std::string_view text) {
  std::string out;
  for (std::size_t at = 0; at < text.size(); ++at) {
    const std::string_view code = text.substr(at, 3);
    const bool is_code = code == "%22" || code == "%0D" || code == "%0A";
    out += is_code ? percent_decoded(code) : std::string(1, text[at]);
    if (is_code) at += 2;
  }
  return out;
}

// Takes the parameter's value from the front of `text`: in quotes, or up to a semicolon.
std::string_view take_value(std::string_view& text) {
  const bool quoted = text.starts_with('"');
  if (quoted) text.remove_prefix(1);
  const std::size_t end = std::min(text.find(quoted ? '"' : ';'), text.size());
  const std::string_view value = text.substr(0, end);
  text.remove_prefix(end);
  if (quoted && !text.empty()) text.remove_prefix(1);
  return quoted ? value : trimmed(value);
}

// The parameter of this name in a header's value: form-data; name="x"; filename="y".
std::optional<std::string_view> parameter(std::string_view header, std::string_view name) {
  header.remove_prefix(std::min(header.find(';'), header.size()));
  while (!header.empty()) {
    header.remove_prefix(std::min(header.find_first_not_of("; \t"), header.size()));
    const std::size_t equals = header.find('=');
    if (equals == std::string_view::npos) return std::nullopt;
    const std::string_view key = trimmed(header.substr(0, equals));
    header.remove_prefix(equals + 1);
    const std::string_view value = take_value(header);
    if (equal_ignoring_case(key, name)) return value;
  }
  return std::nullopt;
}

// Reads the headers of a part, without the empty line behind them. False: they name no part.
bool read_part_headers(std::string_view lines, FormPart& part) {
  bool is_named = false;
  for (std::size_t from = 0; from < lines.size();) {
    const std::size_t end = std::min(lines.find("\r\n", from), lines.size());
    const std::string_view line = lines.substr(from, end - from);
    from = end + 2;
    const std::size_t colon = line.find(':');
    if (colon == std::string_view::npos) return false;
    const std::string_view value = trimmed(line.substr(colon + 1));
    if (equal_ignoring_case(line.substr(0, colon), "Content-Type")) part.content_type = value;
    if (!equal_ignoring_case(line.substr(0, colon), "Content-Disposition")) continue;
    const auto name = parameter(value, "name");
    if (!value.starts_with("form-data") || !name) return false;
    is_named = true;
    part.name = decoded_name(*name);
    if (const auto file = parameter(value, "filename")) part.file_name = decoded_name(*file);
  }
  return is_named;
}

// Takes the part between a delimiter and the next one from the front of `rest`, which then begins
// behind that next one.
tl::expected<FormPart, std::string> take_part(std::string_view& rest,
                                              const std::string& delimiter) {
  FormPart part;
  const std::size_t blank = rest.find("\r\n\r\n");
  if (blank == std::string_view::npos) return wrong("a part of the form has no end of its headers");
  if (!read_part_headers(rest.substr(0, blank), part)) {
    return wrong("a part of the form has no Content-Disposition with a name");
  }
  rest.remove_prefix(blank + 4);
  const std::size_t end = rest.find(delimiter);
  if (end == std::string_view::npos)
    return wrong("the form breaks off: its last boundary is missing");
  part.bytes = rest.substr(0, end);
  rest.remove_prefix(end + delimiter.size());
  return part;
}

}  // namespace

tl::expected<Form, std::string> Form::read(std::string_view content_type, std::string_view body) {
  const std::string_view type = trimmed(content_type.substr(0, content_type.find(';')));
  if (!equal_ignoring_case(type, "multipart/form-data")) {
    return wrong("expected a body of type multipart/form-data");
  }
  const auto boundary = parameter(content_type, "boundary");
  if (!boundary || boundary->empty() || boundary->size() > boundary_bytes_max) {
    return wrong("expected a boundary of 1 to 70 characters in the Content-Type");
  }
  const std::string delimiter = "\r\n--" + std::string(*boundary);
  Form form;
  std::string_view rest = body;
  // The first delimiter may stand at the very beginning, without a line end before it.
  if (!rest.starts_with(std::string_view(delimiter).substr(2))) {
    return wrong("the form does not begin with its boundary");
  }
  rest.remove_prefix(delimiter.size() - 2);
  while (!rest.starts_with("--")) {
    if (!rest.starts_with("\r\n")) return wrong("a boundary of the form does not end its line");
    rest.remove_prefix(2);
    if (form.parts_.size() == parts_max) return wrong("the form has too many parts");
    auto part = take_part(rest, delimiter);
    if (!part) return wrong(part.error());
    form.parts_.push_back(std::move(*part));
  }
  return form;
}

const FormPart* Form::find(std::string_view name) const {
  const auto found = std::ranges::find(parts_, name, &FormPart::name);
  return found == parts_.end() ? nullptr : &*found;
}

std::string Form::text(std::string_view name) const {
  const FormPart* part = find(name);
  return part == nullptr || part->file_name ? std::string{} : std::string(part->bytes);
}

}  // namespace ratebatch::sandbox
