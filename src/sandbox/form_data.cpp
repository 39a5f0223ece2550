#include "sandbox/form_data.hpp"

#include <algorithm>

#include "ratebatch/base/ascii.hpp"
#include "sandbox/question.hpp"

namespace ratebatch::sandbox {
namespace {

constexpr std::size_t boundary_bytes_max = 70;  // RFC 2046, 5.1.1.
constexpr std::size_t parts_max = 1000;

tl::unexpected<std::string> wrong(const char* what) { return tl::unexpected<std::string>(what); }

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

// The parameter of this name in a header's value: form-data; name="x"; filename="y".
std::optional<std::string_view> parameter(std::string_view header, std::string_view name) {
  std::string_view rest = parted(header, ';').after.value_or("");
  while (true) {
    const auto [key, value] = parted(rest, '=');
    if (!value) return std::nullopt;
    const bool quoted = value->starts_with('"');
    const auto [found, after] = parted(quoted ? value->substr(1) : *value, quoted ? '"' : ';');
    if (equal_ignoring_case(trimmed(key, "; \t"), name)) return quoted ? found : trimmed(found);
    rest = after.value_or("");
  }
}

// Reads the headers of a part, without the empty line behind them. False: they name no part.
bool read_part_headers(std::string_view lines, FormPart& part) {
  bool is_named = false;
  for (std::size_t from = 0; from < lines.size();) {
    const std::size_t end = std::min(lines.find("\r\n", from), lines.size());
    const auto [header, behind] = parted(lines.substr(from, end - from), ':');
    from = end + 2;
    if (!behind) return false;
    const std::string_view value = trimmed(*behind);
    if (equal_ignoring_case(header, "Content-Type")) part.content_type = value;
    if (!equal_ignoring_case(header, "Content-Disposition")) continue;
    const auto name = parameter(value, "name");
    if (!value.starts_with("form-data") || !name) return false;
    is_named = true;
    part.name = decoded_name(*name);
    if (const auto file = parameter(value, "filename")) part.file_name = decoded_name(*file);
  }
  return is_named;
}

}  // namespace

tl::expected<Form, std::string> Form::read(std::string_view content_type, std::string_view body) {
  if (!equal_ignoring_case(trimmed(parted(content_type, ';').before), "multipart/form-data")) {
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
    FormPart& part = form.parts_.emplace_back();
    const std::size_t blank = rest.find("\r\n\r\n");
    if (blank == rest.npos) return wrong("a part of the form has no end of its headers");
    if (!read_part_headers(rest.substr(0, blank), part)) {
      return wrong("a part of the form has no Content-Disposition with a name");
    }
    rest.remove_prefix(blank + 4);
    const std::size_t end = rest.find(delimiter);
    if (end == rest.npos) return wrong("the form breaks off: its last boundary is missing");
    part.bytes = rest.substr(0, end);
    rest.remove_prefix(end + delimiter.size());
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
