#include "store/file_list.hpp"

#include <string_view>

namespace ratebatch {

std::string file_list_json(const std::vector<std::string>& files) {
  if (files.empty()) return {};
  constexpr std::string_view digits = "0123456789abcdef";
  std::string json;
  for (const std::string& file : files) {
    json += json.empty() ? "[\"" : ",\"";
    for (const char c : file) {
      const auto byte = static_cast<unsigned char>(c);
      if (c == '"' || c == '\\') {
        json += '\\';
        json += c;
      } else if (byte < 0x20) {
        json += "\\u00";
        json += digits[byte >> 4U];
        json += digits[byte & 0xFU];
      } else {
        json += c;
      }
    }
    json += '"';
  }
  return json + "]";
}

}  // namespace ratebatch
