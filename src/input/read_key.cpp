#include "ratebatch/input/read_key.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>

#include "input/small_file.hpp"
#include "ratebatch/base/text.hpp"

namespace ratebatch {
namespace {

constexpr std::string_view sandbox_advice = "or try it without a key: add --sandbox";

Result<std::string> read_text(const KeySource& source, const EnvironmentLookup& environment) {
  switch (source.from) {
    case KeySource::From::environment: {
      std::optional<std::string> value = environment(source.name);
      if (value && !value->empty()) return std::move(*value);
      return fail(ErrorCode::no_key,
                  fmt::format("no API key: the environment variable {0} is not set; "
                              "export {0}=..., {1}",
                              escaped(source.name, 80), sandbox_advice));
    }
    case KeySource::From::file: {
      auto text = read_small_file(source.name, key_bytes_max, FileRule::owner_only);
      if (text) return text;
      return fail(ErrorCode::no_key, fmt::format("no API key: {}; correct the key file, {}",
                                                 text.error().message, sandbox_advice));
    }
  }
  return fail(ErrorCode::no_key, "no API key");
}

}  // namespace

Result<Secret> read_key(const KeySource& source, const EnvironmentLookup& environment) {
  auto text = read_text(source, environment);
  if (!text) return pass(text);
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
  const bool plain =
      std::all_of(value.begin(), value.end(), [](char c) { return c > ' ' && c <= '~'; });
  if (!plain) return wrong("holds a space, a line end or another character that no key has");
  return key;
}

}  // namespace ratebatch
