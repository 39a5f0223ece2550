// A request as it would be sent, for reading: the key named and not shown, files by their size.
#pragma once

#include <string>

#include "ratebatch/model/http.hpp"

namespace ratebatch::cli {

// For people, as it goes over the wire; JSON is indented.
std::string request_text(const HttpRequest& request, const std::string& key_name);

// As one JSON line. The body is its JSON, or a list of its parts, or its text.
std::string request_json(const std::string& id, const HttpRequest& request,
                         const std::string& key_name);

}  // namespace ratebatch::cli
