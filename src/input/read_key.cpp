#include "ratebatch/input/read_key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "input/small_file.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch::input {
namespace {

// "no API key: PROBLEM; REMEDY, or try it without one".
tl::unexpected<Error> no_key(std::string_view problem, std::string_view remedy) {
  return fail(
      ErrorCode::no_key,
      fmt::format("no API key: {}; {}, or try it without a key: add --sandbox", problem, remedy));
}

// The service manager owns the folder and lets in who may read it, so modes are its business.
Result<std::string> read_credential(const KeySource& source, const EnvironmentLookup& environment) {
  const auto folder = environment("CREDENTIALS_DIRECTORY");
  const std::string name = source.name.substr(credential_folder.size());
  const std::string setting = fmt::format("LoadCredential={}:PATH", escaped(name, 80));
  if (!folder || folder->empty()) {
    return no_key("CREDENTIALS_DIRECTORY is not set",
                  "start this program from a systemd unit with " + setting);
  }
  auto text = read_small_file(*folder + "/" + name, key_bytes_max, FileRule::any);
  if (text) return text;
  return no_key(text.error().message, "add " + setting + " to the systemd unit");
}

Result<std::string> read_text(const KeySource& source, const EnvironmentLookup& environment) {
  const std::string shown = escaped(source.name, 80);
  if (source.from == KeySource::From::environment) {
    if (is_pattern(source)) {
      return no_key("no environment variable is called " + shown, "export one");
    }
    std::optional<std::string> value = environment(source.name);
    if (value && !value->empty()) return std::move(*value);
    return no_key(fmt::format("the environment variable {} is not set", shown),
                  fmt::format("export {}=...", shown));
  }
  RB_ASSERT(source.from == KeySource::From::file);
  if (source.name.starts_with(credential_folder)) return read_credential(source, environment);
  auto text = read_small_file(source.name, key_bytes_max, FileRule::owner_only);
  if (text) return text;
  return no_key(text.error().message, "correct the key file");
}

}  // namespace

bool is_pattern(const KeySource& source) {
  return source.from == KeySource::From::environment &&
         source.name.find_first_of("*?") != std::string::npos;
}

std::vector<KeySource> expanded(const KeySource& source, std::vector<std::string> variables) {
  if (!is_pattern(source)) return {source};
  std::ranges::sort(variables);
  std::vector<KeySource> sources;
  for (std::string& name : variables) {
    if (!matches_glob(source.name, name)) continue;
    sources.push_back({KeySource::From::environment, std::move(name), source.group});
  }
  return sources;
}

Result<Secret> read_key(const KeySource& source, const EnvironmentLookup& environment) {
  if (source.from == KeySource::From::none) return Secret{};
  RB_TRY(text, read_text(source, environment));
  while (text->ends_with('\n') || text->ends_with('\r')) text->pop_back();
  Secret key(std::move(*text));
  const std::string_view value = key.reveal();
  const auto wrong = [&](std::string_view what) {
    const bool variable = source.from == KeySource::From::environment;
    return fail(ErrorCode::no_key,
                fmt::format("no usable API key: {} {} {}",
                            variable ? "the environment variable" : "the key file",
                            escaped(source.name, 200), what));
  };
  if (value.empty()) return wrong("is empty");
  if (value.size() > key_bytes_max) {
    return wrong(fmt::format("holds more than {} bytes", key_bytes_max));
  }
  const bool plain = std::ranges::all_of(value, [](char c) { return c > ' ' && c <= '~'; });
  if (!plain) return wrong("holds a space, a line end or another character that no key has");
  return key;
}

}  // namespace ratebatch::input
