#include "ratebatch/net/redirect.hpp"

#include "net/curl_handles.hpp"
#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/base/url.hpp"

namespace ratebatch::net {
namespace {

// Signed links have up to 2 KiB.
constexpr std::size_t location_bytes_max = 8192;

// All that is printable ASCII stays as the server wrote it: a signature may cover it.
constexpr std::string_view kept_in_location = "!\"#$%&'()*+,/:;<=>?@[\\]^`{|}";

tl::unexpected<Error> bad_redirect(const std::string& why) {
  return fail(ErrorCode::invalid_input, "a redirect cannot be followed: " + why);
}

}  // namespace

Result<std::string> redirect_target(const std::string& url, std::string_view location) {
  const auto base = read_url(url);
  if (!base) {
    return bad_redirect("it came from '" + escaped(url) + "', which is no absolute URL");
  }
  const std::string from = "the Location from " + escaped(base->origin.host);
  if (location.empty()) return bad_redirect(from + " is missing or empty");
  if (location.size() > location_bytes_max) {
    return bad_redirect(from + " is over " + std::to_string(location_bytes_max) + " bytes");
  }
  if (has_control_byte(location)) return bad_redirect(from + " holds a control byte");

  RB_TRY(library, CurlLibrary::open());
  const CurlFunctions& curl = (*library)->functions();
  const UrlHandle target(curl.url(), curl.url_cleanup);
  // Without fragments: libcurl 7.88 takes a reference that is nothing else for a path.
  const auto set = [&](std::string_view text) {
    const std::string encoded = percent_encoded(parted(text, '#').before, kept_in_location);
    return encoded.empty() ? CURLUE_OK
                           : curl.url_set(target.get(), CURLUPART_URL, encoded.c_str(), 0);
  };
  CURLUcode code = set(url);
  if (code == CURLUE_OK) code = set(location);
  char* text = nullptr;
  if (code == CURLUE_OK) code = curl.url_get(target.get(), CURLUPART_URL, &text, 0);
  const CurlString owner(text, curl.free);
  if (code == CURLUE_BAD_PORT_NUMBER) return bad_redirect(from + " names no port");
  if (code != CURLUE_OK) return bad_redirect(from + " names no host");
  return std::string(text);
}

}  // namespace ratebatch::net
