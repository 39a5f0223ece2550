// Owners of what libcurl works with: its handles, and the header lines of a request.
#pragma once

#include <memory>
#include <string>
#include <vector>

#include "net/curl_library.hpp"
#include "ratebatch/model/http.hpp"

namespace ratebatch::net {

// Each is made with the function of CurlFunctions that frees it.
using EasyHandle = std::unique_ptr<CURL, decltype(CurlFunctions::easy_cleanup)>;
using MultiHandle = std::unique_ptr<CURLM, decltype(CurlFunctions::multi_cleanup)>;
using UrlHandle = std::unique_ptr<CURLU, decltype(CurlFunctions::url_cleanup)>;
using CurlString = std::unique_ptr<char, decltype(CurlFunctions::free)>;

// The header lines of one request after another. One of them holds a key, so all are wiped as soon
// as the request is over.
class HeaderLines {
 public:
  HeaderLines() = default;
  HeaderLines(const HeaderLines&) = delete;
  HeaderLines& operator=(const HeaderLines&) = delete;
  ~HeaderLines() { wipe(); }

  // Writes the lines of this request in place of those before. What is returned stays as it is
  // until the next call of this or of wipe.
  curl_slist* write(const HttpRequest& request);

  // Overwrites them with zeros, also where the compiler sees no reader.
  void wipe();

 private:
  std::string text_;  // The lines, each with its zero byte.
  std::vector<curl_slist> lines_;
};

}  // namespace ratebatch::net
