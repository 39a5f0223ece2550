// Owners of libcurl's handles. The one file that includes libcurl: no header of include/ shows it.
#pragma once

#include <curl/curl.h>

#include <memory>
#include <string>

#include "ratebatch/base/assert.hpp"

namespace ratebatch {

// Holds libcurl's global state. It is counted: several owners may live at once, in any order.
class CurlLibrary {
 public:
  CurlLibrary() { RB_ASSERT(curl_global_init(CURL_GLOBAL_DEFAULT) == CURLE_OK); }
  CurlLibrary(const CurlLibrary&) = delete;
  CurlLibrary& operator=(const CurlLibrary&) = delete;
  ~CurlLibrary() { curl_global_cleanup(); }
};

struct CurlDeleter {
  void operator()(CURL* handle) const { curl_easy_cleanup(handle); }
};
using EasyHandle = std::unique_ptr<CURL, CurlDeleter>;

struct CurlMultiDeleter {
  void operator()(CURLM* handle) const { curl_multi_cleanup(handle); }
};
using MultiHandle = std::unique_ptr<CURLM, CurlMultiDeleter>;

struct CurlUrlDeleter {
  void operator()(CURLU* handle) const { curl_url_cleanup(handle); }
};
using UrlHandle = std::unique_ptr<CURLU, CurlUrlDeleter>;

struct CurlStringDeleter {
  void operator()(char* text) const { curl_free(text); }
};
using CurlString = std::unique_ptr<char, CurlStringDeleter>;

// Header lines for libcurl. One of them holds a key, so all are wiped before they are freed.
class HeaderLines {
 public:
  HeaderLines() = default;
  HeaderLines(const HeaderLines&) = delete;
  HeaderLines& operator=(const HeaderLines&) = delete;
  ~HeaderLines();

  // Copies the line. False: out of memory.
  bool add(const std::string& line);

  [[nodiscard]] curl_slist* get() const { return lines_; }

 private:
  curl_slist* lines_ = nullptr;
};

// Overwrites the text with zeros, also where the compiler sees no reader, and empties it.
void wipe(std::string& text);

}  // namespace ratebatch
