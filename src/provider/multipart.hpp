// A body of type multipart/form-data (RFC 7578), and what files are by their names.
#pragma once

#include <cstddef>
#include <string>
#include <string_view>
#include <vector>

namespace ratebatch::provider {

// Writes the parts one after the other. Names and file names may hold any byte: quotes, line ends
// and control bytes are percent-encoded as browsers do (WHATWG HTML, multipart form data).
class MultipartBody {
 public:
  // `seed` (a job's id) makes the boundary, so that the same job has the same body; it is changed
  // until no content holds it.
  explicit MultipartBody(std::string_view seed);

  void add_field(std::string_view name, std::string_view value);
  void add_file(std::string_view name, std::string_view file_name, std::string_view media_type,
                std::string_view bytes);

  // The value of the Content-Type header. Call after the last part.
  [[nodiscard]] std::string content_type() const;

  // The whole body; the object is empty then.
  std::string finish();

 private:
  void open_part(std::string_view content);
  void write_boundary();
  void replace_boundary(std::string_view content);

  std::string boundary_;  // Of fixed length.
  std::string body_;
  std::vector<std::size_t> boundaries_at_;  // Where it stands in the body.
};

// By the extension, in any case: "audio/mpeg", "image/png", ...; "application/octet-stream" for
// unknown ones.
std::string_view media_type_of(std::string_view path);

// Of a picture or PDF by its content, which APIs check; else by its name, because sound comes in
// containers that hold film too; else by its content.
std::string_view media_type_of_file(std::string_view path, std::string_view bytes);

// The part of a path behind its last slash.
std::string_view file_name_of(std::string_view path);

}  // namespace ratebatch::provider
