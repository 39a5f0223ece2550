#include "ratebatch/net/curl_version.hpp"

#include "net/curl_library.hpp"

namespace ratebatch::net {

std::string curl_library_version() {
  auto library = CurlLibrary::open();
  if (!library) return "(" + library.error().message + ")";
  const curl_version_info_data* info = (*library)->functions().version_info(CURLVERSION_NOW);
  std::string text = info->version;
  if (info->ssl_version != nullptr) text += std::string{" ("} + info->ssl_version + ")";
  return text;
}

}  // namespace ratebatch::net
