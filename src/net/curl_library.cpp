#include "net/curl_library.hpp"

#include <dlfcn.h>

#include <string>

#include "ratebatch/base/text.hpp"

namespace ratebatch::net {
namespace {

// Looks functions up and remembers the first that is missing.
class Lookup {
 public:
  explicit Lookup(void* library) : library_(library) {}

  template <typename Function>
  void find(const char* name, Function& function) {
    function = reinterpret_cast<Function>(dlsym(library_, name));
    if (function == nullptr && missing_ == nullptr) missing_ = name;
  }

  [[nodiscard]] const char* missing() const { return missing_; }

 private:
  void* library_;
  const char* missing_ = nullptr;
};

void find_all(Lookup& lookup, CurlFunctions& to) {
  lookup.find("curl_global_init", to.global_init);
  lookup.find("curl_global_cleanup", to.global_cleanup);
  lookup.find("curl_version_info", to.version_info);
  lookup.find("curl_free", to.free);
  lookup.find("curl_easy_init", to.easy_init);
  lookup.find("curl_easy_cleanup", to.easy_cleanup);
  lookup.find("curl_easy_reset", to.easy_reset);
  lookup.find("curl_easy_setopt", to.easy_setopt);
  lookup.find("curl_easy_getinfo", to.easy_getinfo);
  lookup.find("curl_easy_strerror", to.easy_strerror);
  lookup.find("curl_multi_init", to.multi_init);
  lookup.find("curl_multi_cleanup", to.multi_cleanup);
  lookup.find("curl_multi_setopt", to.multi_setopt);
  lookup.find("curl_multi_add_handle", to.multi_add_handle);
  lookup.find("curl_multi_remove_handle", to.multi_remove_handle);
  lookup.find("curl_multi_info_read", to.multi_info_read);
  lookup.find("curl_multi_socket_action", to.multi_socket_action);
  lookup.find("curl_multi_timeout", to.multi_timeout);
  lookup.find("curl_url", to.url);
  lookup.find("curl_url_cleanup", to.url_cleanup);
  lookup.find("curl_url_set", to.url_set);
  lookup.find("curl_url_get", to.url_get);
}

tl::unexpected<Error> cannot_use(const char* soname, ErrorCode code, const std::string& cause) {
  return fail(code, "cannot load " + std::string(soname) + ", which sends the requests: " + cause +
                        "; install it again (on Debian or Ubuntu: apt-get install libcurl4)");
}

}  // namespace

Result<std::unique_ptr<CurlLibrary>> CurlLibrary::open(const char* soname) {
  // Never closed, and loaded once at most: a name lookup that was broken off may still be running
  // in a thread of libcurl's.
  void* const library = dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) return cannot_use(soname, ErrorCode::not_found, escaped(dlerror()));
  CurlFunctions functions;
  Lookup lookup(library);
  find_all(lookup, functions);
  if (lookup.missing() != nullptr) {
    return cannot_use(soname, ErrorCode::not_found, std::string("it lacks ") + lookup.missing());
  }
  if (functions.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return cannot_use(soname, ErrorCode::io, "it cannot start");
  }
  return std::unique_ptr<CurlLibrary>(new CurlLibrary(functions));
}

}  // namespace ratebatch::net
