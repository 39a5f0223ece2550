#include "net/curl_library.hpp"

#include <dlfcn.h>

#include <string>

#include "ratebatch/base/text.hpp"
#include "ratebatch/net/curl_transport.hpp"

namespace ratebatch::net {
namespace {

tl::unexpected<Error> cannot_use(const char* soname, ErrorCode code, const std::string& cause) {
  return fail(code, "cannot load " + std::string(soname) + ", which sends the requests: " + cause +
                        "; install it again (on Debian or Ubuntu: apt-get install libcurl4)");
}

}  // namespace

CurlFunctions::Lookup::Address CurlFunctions::Lookup::operator()(const char* name) {
  void* const address = dlsym(library, name);
  if (address == nullptr && missing == nullptr) missing = name;
  return {address};
}

Result<std::unique_ptr<CurlLibrary>> CurlLibrary::open(const char* soname) {
  // Never closed, and loaded once at most: a name lookup that was broken off may still be running
  // in a thread of libcurl's.
  void* const library = dlopen(soname, RTLD_NOW | RTLD_LOCAL | RTLD_NODELETE);
  if (library == nullptr) return cannot_use(soname, ErrorCode::not_found, escaped(dlerror()));
  const CurlFunctions functions(library);
  if (functions.missing() != nullptr) {
    return cannot_use(soname, ErrorCode::not_found, std::string("it lacks ") + functions.missing());
  }
  if (functions.global_init(CURL_GLOBAL_DEFAULT) != CURLE_OK) {
    return cannot_use(soname, ErrorCode::io, "it cannot start");
  }
  return std::unique_ptr<CurlLibrary>(new CurlLibrary(functions));
}

std::string curl_library_version() {
  auto library = CurlLibrary::open();
  if (!library) return "(" + library.error().message + ")";
  const curl_version_info_data* info = (*library)->functions().version_info(CURLVERSION_NOW);
  std::string text = info->version;
  if (info->ssl_version != nullptr) text += std::string{" ("} + info->ssl_version + ")";
  return text;
}

}  // namespace ratebatch::net
