// A body of type multipart/form-data taken apart, as a server does it (RFC 7578, RFC 2046, 5.1).
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <tl/expected.hpp>
#include <vector>

namespace ratebatch::sandbox {

struct FormPart {
  std::string name;
  std::optional<std::string> file_name;
  std::string content_type;  // Empty: not said.
  std::string_view bytes;    // Of the body.
};

class Form {
 public:
  // `body` outlives the form. Fails with what is wrong, for people.
  static tl::expected<Form, std::string> read(std::string_view content_type, std::string_view body);

  [[nodiscard]] const std::vector<FormPart>& parts() const { return parts_; }

  // The first part of this name; nullptr: there is none.
  [[nodiscard]] const FormPart* find(std::string_view name) const;

  // The content of the field of this name; empty if there is none, or it is a file.
  [[nodiscard]] std::string text(std::string_view name) const;

 private:
  std::vector<FormPart> parts_;
};

}  // namespace ratebatch::sandbox
