// libcurl, opened when it is first needed and not with the program: its 40 libraries would cost
// every start 6 ms, also of commands that talk to nobody. With curl_handles.hpp one of two headers
// that include libcurl's; no header of include/ does.
#pragma once

#include <curl/curl.h>

#include <memory>

#include "ratebatch/base/result.hpp"

namespace ratebatch::net {

// The functions in use, each named as in libcurl without its "curl_".
class CurlFunctions {
  // Looks functions up and remembers the first that is missing.
  struct Lookup {
    struct Address {
      void* address;
      template <typename Function>
      operator Function*() const {  // NOLINT(google-explicit-constructor): any function's.
        return reinterpret_cast<Function*>(address);
      }
    };
    Address operator()(const char* name);

    void* library;
    const char* missing = nullptr;
  };
  Lookup find_;  // Before the functions, which are looked up in their order.

 public:
  // `library`: a handle of dlopen.
  explicit CurlFunctions(void* library) : find_{library} {}

  // The name of the first function that the library lacks; nullptr: it has all of them.
  [[nodiscard]] const char* missing() const { return find_.missing; }

  decltype(&::curl_global_init) global_init = find_("curl_global_init");
  decltype(&::curl_global_cleanup) global_cleanup = find_("curl_global_cleanup");
  decltype(&::curl_version_info) version_info = find_("curl_version_info");
  decltype(&::curl_free) free = find_("curl_free");

  decltype(&::curl_easy_init) easy_init = find_("curl_easy_init");
  decltype(&::curl_easy_cleanup) easy_cleanup = find_("curl_easy_cleanup");
  decltype(&::curl_easy_reset) easy_reset = find_("curl_easy_reset");
  decltype(&::curl_easy_setopt) easy_setopt = find_("curl_easy_setopt");
  decltype(&::curl_easy_getinfo) easy_getinfo = find_("curl_easy_getinfo");
  decltype(&::curl_easy_strerror) easy_strerror = find_("curl_easy_strerror");

  decltype(&::curl_multi_init) multi_init = find_("curl_multi_init");
  decltype(&::curl_multi_cleanup) multi_cleanup = find_("curl_multi_cleanup");
  decltype(&::curl_multi_setopt) multi_setopt = find_("curl_multi_setopt");
  decltype(&::curl_multi_add_handle) multi_add_handle = find_("curl_multi_add_handle");
  decltype(&::curl_multi_remove_handle) multi_remove_handle = find_("curl_multi_remove_handle");
  decltype(&::curl_multi_info_read) multi_info_read = find_("curl_multi_info_read");
  decltype(&::curl_multi_socket_action) multi_socket_action = find_("curl_multi_socket_action");
  decltype(&::curl_multi_timeout) multi_timeout = find_("curl_multi_timeout");

  decltype(&::curl_url) url = find_("curl_url");
  decltype(&::curl_url_cleanup) url_cleanup = find_("curl_url_cleanup");
  decltype(&::curl_url_set) url_set = find_("curl_url_set");
  decltype(&::curl_url_get) url_get = find_("curl_url_get");
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
