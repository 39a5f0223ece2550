// Long base64 values of a JSON text go to files; all else passes as it is, however it is cut.
#include "net/json_file_filter.hpp"

#include <doctest/doctest.h>
#include <sys/stat.h>

#include <algorithm>
#include <array>
#include <filesystem>
#include <string>
#include <string_view>
#include <vector>

#include "net/no_room.hpp"
#include "support/temporary_folder.hpp"

namespace ratebatch::json_file_filter_test {

using namespace net;

namespace {

struct Filtered {
  std::string body;
  std::vector<std::string> files;  // What is in them.
};

// `size` bytes of all values.
std::string bytes_of(std::size_t size) {
  std::string bytes;
  for (std::size_t i = 0; i < size; ++i) bytes += static_cast<char>((i * 131 + i / 256) & 0xFFU);
  return bytes;
}

// A text of this length that is base64.
std::string base64_of_length(std::size_t length) {
  return encode_base64(bytes_of(length)).substr(0, length);
}

// One filter over a text that comes in pieces of this size.
Filtered filtered(std::string_view text, std::size_t piece) {
  const TemporaryFolder folder;
  const ReplyFiles wanted{.members = {"b64_json", "data"}, .folder = folder.path(), .stem = "7"};
  JsonFileFilter filter(wanted);
  for (; !text.empty(); text.remove_prefix(std::min(piece, text.size()))) {
    const Result<void> taken = filter.take(text.substr(0, piece));
    if (!taken) FAIL(taken.error().message);
  }
  HttpReply reply;
  filter.finish(reply);
  Filtered result{.body = reply.body, .files = {}};
  for (std::size_t i = 0; i < reply.files.size(); ++i) {
    const ReplyFile& file = reply.files[i];
    CHECK(file.path == folder.path("7-" + std::to_string(i)));
    const std::string bytes = folder.read("7-" + std::to_string(i));
    CHECK(file.bytes == static_cast<std::int64_t>(bytes.size()));
    CHECK(file.head == bytes.substr(0, 32));
    result.files.push_back(bytes);
  }
  const auto left = std::distance(std::filesystem::directory_iterator{folder.path()}, {});
  CHECK(static_cast<std::size_t>(left) == reply.files.size());
  return result;
}

constexpr std::array<std::size_t, 7> pieces = {1, 3, 64, 1000, 4096, 16'384, 1'000'000};

void check_filtered(const std::string& text, const std::string& body,
                    const std::vector<std::string>& files) {
  for (const std::size_t piece : pieces) {
    CAPTURE(piece);
    const Filtered result = filtered(text, piece);
    CHECK((result.body == body));  // In brackets: too long to be shown.
    CHECK((result.files == files));
  }
}

// Neither a file nor a change, in pieces of any size.
void check_untouched(const std::string& text) { check_filtered(text, text, {}); }

TEST_CASE("a long value of a wanted member becomes a file, at any depth and more than once") {
  const std::string a = bytes_of(50'000);
  const std::string b = bytes_of(4001);
  check_filtered(R"({"created":1,"data":[{"b64_json" : ")" + encode_base64(a) +
                     R"(","revised_prompt":"a \"b64_json\": c"},{"x":{"data":")" +
                     encode_base64(b) + R"("}}],"usage":{"total":3}})",
                 R"({"created":1,"data":[{"b64_json" : "file:0","revised_prompt":)"
                 R"("a \"b64_json\": c"},{"x":{"data":"file:1"}}],"usage":{"total":3}})",
                 {a, b});
}

TEST_CASE("the length that makes a file is that of the text in its quotes") {
  const std::size_t limit = reply_file_text_bytes_min;
  const std::string below = base64_of_length(limit - 2);
  const std::string at = base64_of_length(limit);
  const std::string above = base64_of_length(limit + 2);
  check_untouched(R"({"data":")" + below + R"("})");
  check_filtered(R"({"data":")" + at + R"("})", R"({"data":"file:0"})", {*decode_base64(at)});
  check_filtered(R"({"data":")" + above + R"("})", R"({"data":"file:0"})", {*decode_base64(above)});
}

TEST_CASE("a short value stays, also where it is followed by a long one") {
  const std::string bytes = bytes_of(9000);
  check_filtered(R"({"data":"aGFsbG8=","b64_json":")" + encode_base64(bytes) + R"("})",
                 R"({"data":"aGFsbG8=","b64_json":"file:0"})", {bytes});
}

TEST_CASE("what is no value of a wanted member stays, however long") {
  const std::string text = encode_base64(bytes_of(9000));
  check_untouched(R"({"text":")" + text + R"("})");
  check_untouched(R"({"xdata":")" + text + R"(","datax":")" + text + R"("})");
  check_untouched(R"({"data":[")" + text + R"("]})");
  check_untouched(R"({"data":{"":")" + text + R"("}})");
  check_untouched(R"(["data",")" + text + R"("])");
  check_untouched(R"({"data":null,"x":")" + text + R"("})");
  check_untouched(R"({"x":"data","y":")" + text + R"("})");
  check_untouched(R"({")" + text + R"(":"data"})");
  check_untouched(R"({"d\u0061ta":")" + text + R"("})");
  check_untouched(R"("data" x : ")" + text + R"(")");
  check_untouched(R"("data" : : ")" + text + R"(")");
  check_untouched("<html>" + text + "</html>");
  check_untouched("");
  check_untouched(R"({"text":"\\\"data\":\")" + text + R"("})");
}

TEST_CASE("the same name is a value here and a name there") {
  const std::string bytes = bytes_of(6000);
  check_filtered(R"(["data",{"data"  :)"
                 "\n\t\"" +
                     encode_base64(bytes) + R"("}])",
                 R"(["data",{"data"  :)"
                 "\n\t\"file:0\"}]",
                 {bytes});
}

TEST_CASE("JSON escapes inside base64 mean what they stand for") {
  const std::string bytes(9000, '\xFF');  // All slashes.
  std::string escaped_text;
  for (const char c : encode_base64(bytes)) {
    if (c == '/') escaped_text += escaped_text.size() % 3 == 0 ? "\\u002f" : "\\/";
  }
  REQUIRE(escaped_text.size() > 9000);
  check_filtered(R"({"data":")" + escaped_text + R"("})", R"({"data":"file:0"})", {bytes});
}

TEST_CASE("a data URL is taken as what it carries") {
  const std::string bytes = bytes_of(8000);
  for (const std::string prefix :
       {"data:image/png;base64,", R"(data:image\/png;base64,)", "data:;base64,"}) {
    check_filtered(R"({"data":")" + prefix + encode_base64(bytes) + R"("})", R"({"data":"file:0"})",
                   {bytes});
  }
  check_untouched(R"({"data":"data:image/png,)" + encode_base64(bytes) + R"("})");
}

TEST_CASE("a value that is not base64 goes back to its place, wherever that shows") {
  const std::string good = encode_base64(bytes_of(30'000));
  for (const std::size_t at : {0U, 4095U, 4096U, 39'990U}) {
    for (const std::string bad :
         {"-", "_", " ", "\\n", "\\u0020", "\\u00e9", "\\\\", "\\\"", "\\u12", "=", "\x80"}) {
      std::string value = good;
      value.replace(at, 1, bad);
      CAPTURE(at);
      CAPTURE(bad);
      const std::string text = R"({"data":")" + value + R"(","b64_json":")" + good + R"("})";
      for (const std::size_t piece : {999U, 1'000'000U}) {
        const Filtered result = filtered(text, piece);
        CHECK((result.body == R"({"data":")" + value + R"(","b64_json":"file:0"})"));
        CHECK((result.files == std::vector<std::string>{bytes_of(30'000)}));
      }
    }
  }
}

TEST_CASE("a value whose end is no base64 goes back too") {
  const std::string good = encode_base64(bytes_of(6000));
  for (const std::string end : {"A", "QQ=", "QQ==QQ==", "QQ==A", "=", "===="}) {
    check_untouched(R"({"data":")" + good + end + R"("})");
  }
  const std::string prefix = "data:image/png;base64,";
  check_untouched(R"({"data":")" + prefix + good + R"(A"})");
}

TEST_CASE("a quote that breaks an escape off ends its value all the same") {
  const std::string good = encode_base64(bytes_of(6000));
  for (const std::string end : {"\\u", "\\u0", "\\u002"}) {
    check_filtered(R"({"data":")" + good + end + R"(","b64_json":")" + good + R"("})",
                   R"({"data":")" + good + end + R"(","b64_json":"file:0"})", {bytes_of(6000)});
  }
}

TEST_CASE("padding may be missing, as in the decoder for whole texts") {
  const std::string bytes = bytes_of(6001);
  const std::string text = encode_base64(bytes);
  REQUIRE(text.ends_with("=="));
  check_filtered(R"({"data":")" + text.substr(0, text.size() - 2) + R"("})", R"({"data":"file:0"})",
                 {bytes});
}

TEST_CASE("a text that ends inside a value leaves no file") {
  const std::string text = R"({"data":")" + encode_base64(bytes_of(9000));
  for (const std::size_t piece : pieces) {
    const Filtered result = filtered(text, piece);
    CHECK(result.body == R"({"data":")");
    CHECK(result.files.empty());
  }
}

TEST_CASE("no more files than allowed are made of one reply") {
  const std::string value = base64_of_length(reply_file_text_bytes_min);
  std::string text;
  for (std::size_t i = 0; i <= reply_files_max; ++i) text += R"("data":")" + value + R"(",)";
  const Filtered result = filtered(text, 5000);
  CHECK(result.files.size() == reply_files_max);
  CHECK(result.body.ends_with(R"("data":"file:63","data":")" + value + R"(",)"));
}

TEST_CASE("a value for which no file can be made stays, and so do those behind it") {
  const TemporaryFolder folder;
  const ReplyFiles wanted{.members = {"data"}, .folder = folder.path("none"), .stem = "7"};
  JsonFileFilter filter(wanted);
  const std::string one = R"({"data":")" + encode_base64(bytes_of(9000)) + R"("})";
  REQUIRE(filter.take(one));
  std::filesystem::create_directory(folder.path("none"));
  REQUIRE(filter.take(one));
  HttpReply reply;
  filter.finish(reply);
  CHECK((reply.body == one + one));
  CHECK(reply.files.empty());
}

TEST_CASE("a file of another is neither replaced nor followed") {
  const TemporaryFolder folder;
  folder.write("7-0", "another's");
  const ReplyFiles wanted{.members = {"data"}, .folder = folder.path(), .stem = "7"};
  JsonFileFilter filter(wanted);
  const std::string text = R"({"data":")" + encode_base64(bytes_of(9000)) + R"("})";
  REQUIRE(filter.take(text));
  HttpReply reply;
  filter.finish(reply);
  CHECK((reply.body == text));
  CHECK(folder.read("7-0") == "another's");
}

TEST_CASE("a full disk costs memory, never the answer") {
  const std::string bytes = bytes_of(100'000);
  const std::string text = R"({"data":"data:image/png;base64,)" + encode_base64(bytes) +
                           R"(","data":")" + encode_base64(bytes) + R"("})";
  for (const std::size_t piece : {999U, 16'384U}) {
    for (const std::size_t room : {1U, 7'000U, 50'001U, 99'999U}) {
      CAPTURE(room);
      const TemporaryFolder folder;
      const ReplyFiles wanted{.members = {"data"}, .folder = folder.path(), .stem = "7"};
      HttpReply reply;
      bool taken = true;
      {
        const NoRoom no_room(room);
        JsonFileFilter filter(wanted);
        for (std::size_t at = 0; at < text.size(); at += piece) {
          taken = taken && filter.take(std::string_view(text).substr(at, piece)).has_value();
        }
        filter.finish(reply);
      }
      CHECK(taken);
      CHECK((reply.body == text));
      CHECK(reply.files.empty());
      CHECK(std::filesystem::is_empty(folder.path()));
    }
  }
}

TEST_CASE("files of a filter that is not finished go") {
  const TemporaryFolder folder;
  {
    const ReplyFiles wanted{.members = {"data"}, .folder = folder.path(), .stem = "7"};
    JsonFileFilter filter(wanted);
    const std::string value = encode_base64(bytes_of(9000));
    REQUIRE(filter.take(R"({"data":")" + value + R"(","data":")" + value));
    CHECK(std::distance(std::filesystem::directory_iterator{folder.path()}, {}) == 2);
    struct stat info{};
    REQUIRE(::stat(folder.path("7-0").c_str(), &info) == 0);
    CHECK((info.st_mode & 0777U) == 0600);
  }
  CHECK(std::filesystem::is_empty(folder.path()));
}

}  // namespace
}  // namespace ratebatch::json_file_filter_test
