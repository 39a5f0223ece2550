// Forms taken apart as servers do it: what is read, and what is refused.
#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "sandbox/form_data.hpp"

namespace ratebatch::sandbox_form_test {

using namespace sandbox;

namespace {

const std::string type = "multipart/form-data; boundary=b";

std::string part(const std::string& disposition, const std::string& bytes) {
  return "--b\r\nContent-Disposition: " + disposition + "\r\n\r\n" + bytes + "\r\n";
}

TEST_CASE("fields and files are read, whatever bytes they hold") {
  const std::string binary("\0\xFF--b\r\n--c\r\n\r\n--", 15);
  const std::string body =
      part("form-data; name=\"model\"", "whisper-1") +
      "--b\r\ncontent-type: audio/mpeg\r\nCONTENT-DISPOSITION: form-data; name=file; "
      "filename=\"a b;c.mp3\"\r\n\r\n" +
      binary + "\r\n" + part("form-data; name=\"empty\"", "") + "--b--\r\nbehind it";
  const auto form = Form::read("Multipart/Form-Data; charset=x; Boundary=\"b\"", body);
  REQUIRE(form.has_value());
  REQUIRE(form->parts().size() == 3);
  CHECK(form->text("model") == "whisper-1");
  const FormPart* file = form->find("file");
  REQUIRE(file != nullptr);
  CHECK(file->file_name == "a b;c.mp3");
  CHECK(file->content_type == "audio/mpeg");
  CHECK(file->bytes == binary);
  CHECK(form->text("file").empty());  // A file is no field.
  CHECK(form->find("empty") != nullptr);
  CHECK(form->find("other") == nullptr);
}

TEST_CASE("quotes and line ends of names come as browsers write them") {
  const auto form = Form::read(
      type, part("form-data; name=\"a%22b%0D%0Ac%41\"; filename=\"%22.wav\"", "x") + "--b--");
  REQUIRE(form.has_value());
  CHECK(form->parts()[0].name == "a\"b\r\nc%41");
  CHECK(form->parts()[0].file_name == "\".wav");
}

TEST_CASE("what is no form is refused with the reason") {
  const std::string good = part("form-data; name=\"a\"", "x");
  struct Row {
    std::string type;
    std::string body;
    std::string reason;
  };
  const std::vector<Row> rows = {
      {"application/json", good + "--b--", "expected a body of type multipart"},
      {"", good + "--b--", "expected a body of type multipart"},
      {"multipart/form-data", good + "--b--", "expected a boundary"},
      {"multipart/form-data; boundary=", good + "--b--", "expected a boundary"},
      {"multipart/form-data; boundary=" + std::string(71, 'x'), good, "1 to 70 characters"},
      {type, "", "does not begin with its boundary"},
      {type, "--c\r\n", "does not begin with its boundary"},
      {type, "--bx", "does not end its line"},
      {type, good, "breaks off"},
      {type, good + "--b", "does not end its line"},
      {type, good + "--", "breaks off"},
      {type, "--b\r\nContent-Disposition: form-data; name=\"a\"\r\n", "no end of its headers"},
      {type, part("form-data", "x") + "--b--", "no Content-Disposition with a name"},
      {type, part("attachment; name=\"a\"", "x") + "--b--", "no Content-Disposition with a name"},
      {type, "--b\r\nContent-Type: text/plain\r\n\r\nx\r\n--b--", "no Content-Disposition"},
      {type, "--b\r\nnonsense\r\n\r\nx\r\n--b--", "no Content-Disposition"},
  };
  for (const Row& row : rows) {
    CAPTURE(row.type);
    CAPTURE(row.body);
    const auto form = Form::read(row.type, row.body);
    REQUIRE_FALSE(form.has_value());
    INFO(form.error());
    CHECK(form.error().find(row.reason) != std::string::npos);
  }
  std::string many;
  for (int i = 0; i < 1001; ++i) many += good;
  CHECK_FALSE(Form::read(type, many + "--b--").has_value());
}

TEST_CASE("a form that is cut anywhere is refused, never read beyond its end") {
  const std::string whole = part("form-data; name=\"a\"; filename=\"f\"", "x") +
                            part("form-data; name=\"b\"", "y") + "--b--";
  for (std::size_t size = 0; size < whole.size(); ++size) {
    CAPTURE(size);
    CHECK_FALSE(Form::read(type, std::string(whole, 0, size)).has_value());
  }
  CHECK(Form::read(type, whole).has_value());
}

}  // namespace
}  // namespace ratebatch::sandbox_form_test
