#include "ratebatch/net/redirect.hpp"

#include <cstddef>
#include <optional>

#include "ratebatch/base/text.hpp"

namespace ratebatch::net {
namespace {

// Signed links have up to 2 KiB.
constexpr std::size_t location_bytes_max = 8192;

// A URI reference, split as in RFC 3986, appendix B; its fragment is dropped.
struct Parts {
  std::optional<std::string_view> scheme;
  std::optional<std::string_view> authority;
  std::string_view path;
  std::optional<std::string_view> query;
};

bool is_scheme(std::string_view text) {
  const auto is_letter = [](char c) { return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z'); };
  if (text.empty() || !is_letter(text.front())) return false;
  for (const char c : text) {
    const bool is_other = (c >= '0' && c <= '9') || c == '+' || c == '-' || c == '.';
    if (!is_letter(c) && !is_other) return false;
  }
  return true;
}

Parts split(std::string_view text) {
  Parts parts;
  text = text.substr(0, text.find('#'));
  const std::size_t colon = text.find_first_of(":/?");
  if (colon != std::string_view::npos && text[colon] == ':' && is_scheme(text.substr(0, colon))) {
    parts.scheme = text.substr(0, colon);
    text.remove_prefix(colon + 1);
  }
  if (text.starts_with("//")) {
    text.remove_prefix(2);
    parts.authority = text.substr(0, text.find_first_of("/?"));
    text.remove_prefix(parts.authority->size());
  }
  const std::size_t mark = text.find('?');
  parts.path = text.substr(0, mark);
  if (mark != std::string_view::npos) parts.query = text.substr(mark + 1);
  return parts;
}

// RFC 3986, section 5.2.4, of a path that is empty or begins with a slash.
std::string without_dots(std::string_view path) {
  std::string out;
  while (!path.empty()) {
    const std::size_t end = path.find('/', 1);
    const std::string_view segment = path.substr(0, end);
    const bool is_last = end == std::string_view::npos;
    path.remove_prefix(segment.size());
    if (segment == "/..") out.resize(out.empty() ? 0 : out.rfind('/'));
    const bool is_dots = segment == "/." || segment == "/..";
    if (!is_dots) out += segment;
    if (is_dots && is_last) out += '/';
  }
  return out;
}

// Section 5.2.3: the base's path up to its last slash, then the reference's.
std::string merged_path(std::string_view base, std::string_view reference) {
  const std::size_t slash = base.rfind('/');
  if (slash == std::string_view::npos) return "/" + std::string(reference);
  return std::string(base.substr(0, slash + 1)) + std::string(reference);
}

std::string encoded(std::string_view text) {
  constexpr std::string_view digits = "0123456789ABCDEF";
  std::string out;
  for (const char c : text) {
    const auto byte = static_cast<unsigned char>(c);
    if (byte > 0x20 && byte < 0x80) {
      out += c;
    } else {
      out += {'%', digits[byte >> 4U], digits[byte & 0xFU]};
    }
  }
  return out;
}

// Precondition: the base has scheme and authority, and so has a reference with a scheme.
std::string joined(const Parts& base, const Parts& reference) {
  std::string path;
  std::optional<std::string_view> query = reference.query;
  if (reference.authority || reference.path.starts_with('/')) {
    path = without_dots(reference.path);
  } else if (!reference.path.empty()) {
    path = without_dots(merged_path(base.path, reference.path));
  } else {
    path = base.path;
    if (!query) query = base.query;
  }
  std::string url{reference.scheme.value_or(*base.scheme)};
  url.append("://").append(reference.authority.value_or(*base.authority));
  url += path;
  if (query) url.append("?").append(*query);
  return url;
}

tl::unexpected<Error> bad_redirect(const std::string& why) {
  return fail(ErrorCode::invalid_input, "a redirect cannot be followed: " + why);
}

}  // namespace

Result<std::string> redirect_target(const std::string& url, std::string_view location) {
  const Parts base = split(url);
  if (!base.scheme || !base.authority) {
    return bad_redirect("it came from '" + escaped(url) + "', which is no absolute URL");
  }
  const std::string from = "the Location from " + escaped(*base.authority);
  if (location.empty()) return bad_redirect(from + " is missing or empty");
  if (location.size() > location_bytes_max) {
    return bad_redirect(from + " is over " + std::to_string(location_bytes_max) + " bytes");
  }
  if (has_control_byte(location)) return bad_redirect(from + " holds a control byte");
  const Parts reference = split(location);
  if (reference.scheme && !reference.authority) return bad_redirect(from + " names no host");
  return encoded(joined(base, reference));
}

}  // namespace ratebatch::net
