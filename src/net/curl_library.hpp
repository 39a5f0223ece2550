// libcurl, opened when it is first needed and not with the program: its 40 libraries would cost
// every start 6 ms, also of commands that talk to nobody. With curl_handles.hpp one of two headers
// that include libcurl's; no header of include/ does.
#pragma once

#include <curl/curl.h>

#include <memory>

#include "ratebatch/base/result.hpp"

namespace ratebatch::net {

// The functions in use, each named as in libcurl without its "curl_". All are set.
struct CurlFunctions {
  decltype(&::curl_global_init) global_init = nullptr;
  decltype(&::curl_global_cleanup) global_cleanup = nullptr;
  decltype(&::curl_version_info) version_info = nullptr;
  decltype(&::curl_free) free = nullptr;

  decltype(&::curl_easy_init) easy_init = nullptr;
  decltype(&::curl_easy_cleanup) easy_cleanup = nullptr;
  decltype(&::curl_easy_reset) easy_reset = nullptr;
  decltype(&::curl_easy_setopt) easy_setopt = nullptr;
  decltype(&::curl_easy_getinfo) easy_getinfo = nullptr;
  decltype(&::curl_easy_strerror) easy_strerror = nullptr;

  decltype(&::curl_multi_init) multi_init = nullptr;
  decltype(&::curl_multi_cleanup) multi_cleanup = nullptr;
  decltype(&::curl_multi_setopt) multi_setopt = nullptr;
  decltype(&::curl_multi_add_handle) multi_add_handle = nullptr;
  decltype(&::curl_multi_remove_handle) multi_remove_handle = nullptr;
  decltype(&::curl_multi_info_read) multi_info_read = nullptr;
  decltype(&::curl_multi_socket_action) multi_socket_action = nullptr;
  decltype(&::curl_multi_timeout) multi_timeout = nullptr;

  decltype(&::curl_url) url = nullptr;
  decltype(&::curl_url_cleanup) url_cleanup = nullptr;
  decltype(&::curl_url_set) url_set = nullptr;
  decltype(&::curl_url_get) url_get = nullptr;
};

// The name that the ABI described by libcurl's headers has had since 7.16.0 of 2006. A libcurl with
// another ABI has another name and is not opened.
constexpr const char* curl_soname = "libcurl.so.4";

// Holds libcurl and its global state, which is counted: several owners may live at once, in any
// order. Not to be moved: handles keep the address of the functions.
class CurlLibrary {
 public:
  // Opens the library and starts it. Fails with not_found where it is missing, is broken or lacks a
  // function, and with io where it cannot start. `soname` is another one in tests only.
  static Result<std::unique_ptr<CurlLibrary>> open(const char* soname = curl_soname);

  CurlLibrary(const CurlLibrary&) = delete;
  CurlLibrary& operator=(const CurlLibrary&) = delete;
  ~CurlLibrary() { functions_.global_cleanup(); }

  [[nodiscard]] const CurlFunctions& functions() const { return functions_; }

 private:
  explicit CurlLibrary(const CurlFunctions& functions) : functions_(functions) {}

  CurlFunctions functions_;
};

}  // namespace ratebatch::net
