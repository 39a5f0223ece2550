#include "net/curl_handles.hpp"

#include <cstring>

namespace ratebatch {
namespace {

void wipe_bytes(char* bytes, std::size_t count) {
  // volatile keeps the compiler from dropping stores to memory that is about to be freed.
  volatile char* at = bytes;
  for (std::size_t i = 0; i < count; ++i) at[i] = '\0';
}

}  // namespace

HeaderLines::~HeaderLines() {
  for (curl_slist* line = lines_; line != nullptr; line = line->next) {
    wipe_bytes(line->data, std::strlen(line->data));
  }
  curl_slist_free_all(lines_);
}

bool HeaderLines::add(const std::string& line) {
  curl_slist* longer = curl_slist_append(lines_, line.c_str());
  if (longer == nullptr) return false;
  lines_ = longer;
  return true;
}

void wipe(std::string& text) {
  wipe_bytes(text.data(), text.size());
  text.clear();
}

}  // namespace ratebatch
