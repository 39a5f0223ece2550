#include "ratebatch/net/curl_version.hpp"

#include <curl/curl.h>

namespace ratebatch {

std::string curl_library_version() {
  const curl_version_info_data* info = ::curl_version_info(CURLVERSION_NOW);
  std::string text = info->version;
  if (info->ssl_version != nullptr) text += std::string{" ("} + info->ssl_version + ")";
  return text;
}

}  // namespace ratebatch
