// Forms, and what files are.
#include "provider/multipart.hpp"

#include <doctest/doctest.h>

#include <string>
#include <vector>

#include "provider/asset_bytes.hpp"

namespace ratebatch::multipart_test {

using namespace provider;

namespace {

std::string boundary_of(const std::string& content_type) {
  const std::string prefix = "multipart/form-data; boundary=";
  REQUIRE(content_type.starts_with(prefix));
  return content_type.substr(prefix.size());
}

TEST_CASE("a form is its parts, one after the other") {
  MultipartBody form("job-1");
  form.add_field("model", "whisper-1");
  form.add_file("file", "a b.mp3", "audio/mpeg", std::string("\0\r\n--", 5));
  const std::string boundary = boundary_of(form.content_type());
  CHECK(form.finish() == "--" + boundary +
                             "\r\ncontent-disposition: form-data; name=\"model\"\r\n\r\nwhisper-1"
                             "\r\n--" +
                             boundary +
                             "\r\ncontent-disposition: form-data; name=\"file\"; "
                             "filename=\"a b.mp3\"\r\ncontent-type: audio/mpeg\r\n\r\n" +
                             std::string("\0\r\n--", 5) + "\r\n--" + boundary + "--\r\n");
}

TEST_CASE("names cannot end their quotes or their line") {
  MultipartBody form("x");
  form.add_file("f\"", "a\"b\r\nx: y\x7F\xC3\xA9;.wav", "audio/wav", "");
  CHECK(form.finish().find("name=\"f%22\"; filename=\"a%22b%0D%0Ax: y%7F\xC3\xA9;.wav\"\r\n") !=
        std::string::npos);
}

TEST_CASE("no content holds the boundary, and the same job has the same one") {
  const std::string first = boundary_of(MultipartBody("job").content_type());
  CHECK(boundary_of(MultipartBody("job").content_type()) == first);
  CHECK(boundary_of(MultipartBody("other").content_type()) != first);
  MultipartBody form("job");
  form.add_field("early", "value");
  form.add_field("late", "\r\n--" + first + "\r\n");
  const std::string second = boundary_of(form.content_type());
  CHECK(second != first);
  CHECK(second.size() == first.size());
  form.add_field("last", "x" + second);
  const std::string third = boundary_of(form.content_type());
  const std::string body = form.finish();
  std::size_t count = 0;
  for (std::size_t at = body.find(third); at != std::string::npos; at = body.find(third, at + 1)) {
    ++count;
  }
  CHECK(count == 4);
  CHECK(body.starts_with("--" + third + "\r\n"));
  CHECK(body.find("--" + first + "\r\n\r\n") != std::string::npos);
}

TEST_CASE("media types follow the extension in any case") {
  struct Row {
    std::string path, type;
  };
  for (const Row& row : std::vector<Row>{{"a.mp3", "audio/mpeg"},
                                         {"dir.png/a.WAV", "audio/wav"},
                                         {"a.tar.m4a", "audio/mp4"},
                                         {".jpeg", "image/jpeg"},
                                         {"a.pdf", "application/pdf"},
                                         {"a.txt", "text/plain"},
                                         {"dir.mp3/a", "application/octet-stream"},
                                         {"a.", "application/octet-stream"},
                                         {"a.exe", "application/octet-stream"},
                                         {"", "application/octet-stream"}}) {
    CAPTURE(row.path);
    CHECK(media_type_of(row.path) == row.type);
  }
  CHECK(file_name_of("a/b/c.mp3") == "c.mp3");
  CHECK(file_name_of("c.mp3") == "c.mp3");
  CHECK(file_name_of("a/") == "");
}

TEST_CASE("files are known by their first bytes") {
  using namespace std::string_literals;
  struct Row {
    std::string head, extension;
  };
  for (const Row& row : std::vector<Row>{{"\x89PNG\r\n\x1A\n...", "png"},
                                         {"\xFF\xD8\xFF\xE0", "jpg"},
                                         {"RIFF....WEBPVP8 ", "webp"},
                                         {"GIF89a", "gif"},
                                         {"RIFF....WAVEfmt ", "wav"},
                                         {"OggS\0\2......................Opus"s, "opus"},
                                         {"OggS\0\2......................\x01vor"s, "ogg"},
                                         {"fLaC\0\0\0\x22"s, "flac"},
                                         {"ID3\x04", "mp3"},
                                         {"\xFF\xFB\x90\x64", "mp3"},
                                         {"\xFF\xF3\x40\xC4", "mp3"},
                                         {"\xFF\xE3\x40\xC4", "mp3"},
                                         {"\xFF\xEB\x40\xC4", "bin"},  // A reserved version,
                                         {"\xFF\xFB\xF0\x64", "bin"},  // bit rate,
                                         {"\xFF\xFB\x9C\x64", "bin"},  // sampling rate.
                                         {"\xFF\xFB", "bin"},
                                         {"\xFF\xF1\x50\x80", "aac"},
                                         {"\xFF\xF9\x50\x80", "aac"},
                                         {"\0\0\0\x20"
                                          "ftypM4A "s,
                                          "m4a"},
                                         {"\0\0\0\x20"
                                          "ftypisom"s,
                                          "mp4"},
                                         {"\x1A\x45\xDF\xA3", "webm"},
                                         {"%PDF-1.7", "pdf"},
                                         {"<svg>", "bin"},
                                         {"", "bin"}}) {
    CAPTURE(row.extension);
    CAPTURE(row.head);
    CHECK(file_extension(row.head) == row.extension);
  }
}

TEST_CASE("an asset is made of base64, of a data URL, or of a file of the reply, once") {
  const HttpReply reply{.files = {{"/in/7-0", 5000, "\x89PNG\r\n\x1A\n"}, {"/in/7-1", 0, ""}}};
  Answer answer;
  CHECK(add_asset("R0lGODlh", reply, answer));
  CHECK(add_asset("data:image/gif;base64,R0lGODlh", reply, answer));
  CHECK(add_asset("file:0", reply, answer));
  REQUIRE(answer.assets.size() == 3);
  CHECK(answer.assets[0].bytes == "GIF89a");
  CHECK(answer.assets[1].extension == "gif");
  CHECK(answer.assets[2].path == "/in/7-0");
  CHECK(answer.assets[2].bytes.empty());
  CHECK(answer.assets[2].extension == "png");
  for (const std::string text : {"file:0", "file:1", "file:2", "file:", "file:-1", "file:0x",
                                 "file:bad", "", "data:image/gif;base64,", "data:image/gif,R0lG"}) {
    CAPTURE(text);
    CHECK_FALSE(add_asset(text, reply, answer));
    CHECK(answer.assets.size() == 3);
  }
}

TEST_CASE("a body as a whole is an asset unless it is empty") {
  Answer answer;
  CHECK_FALSE(add_body_asset({}, answer));
  CHECK_FALSE(add_body_asset({.files = {{"/in/1-0", 0, ""}}}, answer));
  CHECK(add_body_asset({.body = "ID3\x04"}, answer));
  CHECK(add_body_asset({.files = {{"/in/1-0", 9, "fLaC"}}}, answer));
  CHECK(
      add_body_asset({.headers = {{"content-type", "audio/PCM;rate=24000"}}, .body = "x"}, answer));
  REQUIRE(answer.assets.size() == 3);
  CHECK(answer.assets[0].extension == "mp3");
  CHECK(answer.assets[0].bytes == "ID3\x04");
  CHECK(answer.assets[1].path == "/in/1-0");
  CHECK(answer.assets[1].extension == "flac");
  CHECK(answer.assets[2].extension == "pcm");
}

TEST_CASE("a link is https, or one of the sandbox on this machine") {
  Answer answer;
  for (const std::string url : {"https://h/x.png?sig=1", "http://127.0.0.1:8080/files/1"}) {
    CHECK(add_link(url, answer));
  }
  for (const std::string url : {"", "http://h/x.png", "http://127.0.0.1.evil/x", "file:///etc/x",
                                "HTTPS//x", "https://h/\r\nx: y", "ftp://h/x"}) {
    CAPTURE(url);
    CHECK_FALSE(add_link(url, answer));
  }
  CHECK(answer.links.size() == 2);
}

TEST_CASE(
    "a picture is known by its content, sound by its name, and what has none by its content") {
  const std::string png = "\x89PNG\r\n\x1A\n";
  CHECK(media_type_of_file("a.jpg", png) == "image/png");
  CHECK(media_type_of_file("a", "%PDF-1.7") == "application/pdf");
  CHECK(media_type_of_file("a.m4a",
                           "\x01\x02\x03\x04"
                           "ftypisom") == media_type_of("a.m4a"));
  CHECK(media_type_of_file("a.dat", "ID3\x04") == "audio/mpeg");
  CHECK(media_type_of_file("a.mp3", "") == "audio/mpeg");
  CHECK(media_type_of_file("a.dat", "?") == "application/octet-stream");
}

}  // namespace
}  // namespace ratebatch::multipart_test
