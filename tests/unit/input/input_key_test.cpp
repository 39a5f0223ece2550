#include <doctest/doctest.h>
#include <sys/stat.h>
#include <unistd.h>

#include <string>

#include "ratebatch/input/config_file.hpp"
#include "ratebatch/input/read_key.hpp"
#include "support/input_support.hpp"

namespace ratebatch::input_key_test {

using namespace input;
using namespace input_support;

namespace {

std::optional<std::string> nothing_set(const std::string&) { return std::nullopt; }

// The key, or the complaint.
std::string key_from(const KeySource& source, const EnvironmentLookup& environment = nothing_set) {
  const auto key = read_key(source, environment);
  if (key) return std::string(key->reveal());
  CHECK(key.error().code == ErrorCode::no_key);
  return key.error().message;
}

std::string key_in_variable(const std::string& value) {
  return key_from({KeySource::From::environment, "MY_KEY"}, [&](const std::string& name) {
    return name == "MY_KEY" ? std::optional(value) : std::nullopt;
  });
}

TEST_CASE("a key in a variable is read, without line ends behind it") {
  CHECK(key_in_variable("sk-1") == "sk-1");
  CHECK(key_in_variable("sk-1\n") == "sk-1");
  CHECK(key_in_variable("sk-1\r\n") == "sk-1");
}

TEST_CASE("a missing or odd variable says what to do, and never what it holds") {
  CHECK(key_from({KeySource::From::environment, "OPENAI_API_KEY"}) ==
        "no API key: the environment variable OPENAI_API_KEY is not set; export "
        "OPENAI_API_KEY=..., or try it without a key: add --sandbox");
  CHECK(key_in_variable("").starts_with("no API key: the environment variable MY_KEY is not set"));
  CHECK(key_in_variable("\n") == "no usable API key: the environment variable MY_KEY is empty");
  const std::string odd =
      "no usable API key: the environment variable MY_KEY holds a space, a line end or another "
      "character that no key has";
  CHECK(key_in_variable("sk 1") == odd);
  CHECK(key_in_variable("sk\n1") == odd);
  CHECK(key_in_variable("sk\xC3\xA9") == odd);
  CHECK(key_in_variable("sk\x7f") == odd);
  CHECK(key_in_variable(std::string(key_bytes_max, 'k')).size() == key_bytes_max);
  CHECK(key_in_variable(std::string(key_bytes_max + 1, 'k')) ==
        "no usable API key: the environment variable MY_KEY holds more than 4096 bytes");
}

TEST_CASE("a pattern stands for every variable that fits, in the order of their names") {
  const KeySource pattern{KeySource::From::environment, "KEY_*", "acme"};
  const auto names = [&](const KeySource& source) {
    std::string text;
    for (const KeySource& found : expanded(source, {"KEY_2", "HOME", "KEY_1", "KEY", "MY_KEY_1"})) {
      text += found.name + "(" + found.group + ") ";
    }
    return text;
  };
  CHECK(names(pattern) == "KEY_1(acme) KEY_2(acme) ");
  CHECK(names({KeySource::From::environment, "ABSENT_?", {}}).empty());
  CHECK(names({KeySource::From::environment, "ABSENT", "g"}) == "ABSENT(g) ");
  CHECK(names({KeySource::From::file, "key*", {}}) == "key*() ");
  CHECK(key_from(pattern) ==
        "no API key: no environment variable is called KEY_*; export one, or try it without a "
        "key: add --sandbox");
}

TEST_CASE("a credential is read from the folder that systemd names") {
  const TemporaryFolder folder;
  const auto path = folder.write("openai", "sk-1\n");
  REQUIRE(::chmod(path.c_str(), 0440) == 0);
  const auto in_folder = [&](const std::string& name) {
    return name == "CREDENTIALS_DIRECTORY" ? std::optional(folder.path()) : std::nullopt;
  };
  const KeySource source{KeySource::From::file, std::string(credential_folder) + "openai", {}};
  CHECK(key_from(source, in_folder) == "sk-1");
  CHECK(key_from(source) ==
        "no API key: CREDENTIALS_DIRECTORY is not set; start this program from a systemd unit "
        "with LoadCredential=openai:PATH, or try it without a key: add --sandbox");
  const KeySource absent{KeySource::From::file, std::string(credential_folder) + "no", {}};
  CHECK(key_from(absent, in_folder) ==
        "no API key: " + folder.path("no") +
            ": cannot read: No such file or directory; add LoadCredential=no:PATH to the systemd "
            "unit, or try it without a key: add --sandbox");
}

TEST_CASE("a key file must be a regular one of its owner alone") {
  const TemporaryFolder folder;
  const auto from_file = [](const std::string& path) {
    return key_from({KeySource::From::file, path});
  };
  const auto refused = [](const std::string& path, const std::string& why) {
    return "no API key: " + path + ": " + why +
           "; correct the key file, or try it without a key: add --sandbox";
  };
  CHECK(from_file(folder.write("key", "sk-1\n")) == "sk-1");
  CHECK(from_file(folder.write("read-only", "sk-1", 0400)) == "sk-1");
  const auto open_to_all = folder.write("open", "sk-1", 0644);
  CHECK(from_file(open_to_all) ==
        refused(open_to_all, "others may use it (mode 0644); run: chmod 600 FILE"));
  const auto group = folder.write("group", "sk-1", 0620);
  CHECK(from_file(group) == refused(group, "others may use it (mode 0620); run: chmod 600 FILE"));
  const auto link = folder.path("link");
  REQUIRE(::symlink(folder.path("key").c_str(), link.c_str()) == 0);
  CHECK(from_file(link) == refused(link, "is a symbolic link; name the file itself"));
  const auto pipe = folder.path("pipe");
  REQUIRE(::mkfifo(pipe.c_str(), 0600) == 0);
  CHECK(from_file(pipe) == refused(pipe, "is not a regular file"));
  CHECK(from_file(folder.path()) == refused(folder.path(), "is a folder; expected a file"));
  const auto absent = folder.path("absent");
  CHECK(from_file(absent) == refused(absent, "cannot read: No such file or directory"));
  const auto large = folder.write("large", std::string(key_bytes_max + 1, 'k'));
  CHECK(from_file(large) == refused(large, "is larger than 4,096 bytes"));
  const auto empty = folder.write("empty", "\n");
  CHECK(from_file(empty) == "no usable API key: the key file " + empty + " is empty");
}

TEST_CASE("the configuration is looked for in four places") {
  const TemporaryFolder here;
  const TemporaryFolder beside;
  const auto jobs = beside.write("jobs.jsonl", "");
  CHECK(find_config("a.yaml", "b.yaml", here.path(), jobs) == "a.yaml");
  CHECK(find_config("", "b.yaml", here.path(), jobs) == "b.yaml");
  CHECK(find_config("", "", here.path(), jobs) == std::nullopt);
  const auto second = beside.write("ratebatch.yaml", "");
  CHECK(find_config("", "", here.path(), jobs) == second);
  const auto first = here.write("ratebatch.yaml", "");
  CHECK(find_config("", "", here.path(), jobs) == first);
  CHECK(find_config("", "", here.path(), "") == first);
  CHECK(find_config("", "", beside.path("none"), "-") == std::nullopt);
}

}  // namespace
}  // namespace ratebatch::input_key_test
