#include <doctest/doctest.h>

#include <algorithm>
#include <string>

#include "ratebatch/input/config_file.hpp"
#include "support/input_support.hpp"

namespace ratebatch::config_errors_test {

using namespace input;
using namespace input_support;

namespace {

std::string complaint(std::string_view text) {
  const auto config = parse_config(text, "r.yaml");
  if (!config) CHECK(config.error().code == ErrorCode::invalid_input);
  return message_of(config);
}

struct BadConfig {
  std::string text;
  std::string message;
};

void check_all(std::initializer_list<BadConfig> table) {
  for (const BadConfig& bad : table) {
    CAPTURE(bad.text);
    CHECK(complaint(bad.text) == bad.message);
  }
}

TEST_CASE("unknown keys name the nearest known one") {
  check_all({
      {"workes: 4", "r.yaml:1: key 'workes': unknown (did you mean 'workers'?)"},
      {"a: 1",
       "r.yaml:1: key 'a': unknown; expected one of workers, max_workers, pause_at, pace_at, "
       "slow_at, warn_at, log_usage_every, assets, providers, models, types, retry, breaker"},
      {"\n\nbreaker:\n  failurs: 5\n",
       "r.yaml:4: key 'breaker.failurs': unknown (did you mean 'failures'?)"},
      {"models: {m: {limit: none}}",
       "r.yaml:1: key 'models.m.limit': unknown (did you mean 'limits'?)"},
      {"types: {t: {promt: x}}", "r.yaml:1: key 'types.t.promt': unknown (did you mean 'prompt'?)"},
      {"retry: {rate_limits: {}}",
       "r.yaml:1: key 'retry.rate_limits': unknown (did you mean 'rate_limit'?)"},
      {"retry: {server: {pause: 1h}}",
       "r.yaml:1: key 'retry.server.pause': unknown; expected one of retries, base, max, growth"},
      {"models: {m: {limits: {rpn: 5}}}",
       "r.yaml:1: key 'models.m.limits.rpn': unknown (did you mean 'rps'?)"},
  });
}

TEST_CASE("kinds and APIs that are none name the known ones") {
  check_all({
      {"models: {m: {kind: speach}}",
       "r.yaml:1: key 'models.m.kind': expected one of chat, responses, image, speech, "
       "transcription, embedding, found 'speach' (did you mean 'speech'?)"},
      {"models: {m: {kind: raw}}",
       "r.yaml:1: key 'models.m.kind': expected one of chat, responses, image, speech, "
       "transcription, embedding, found 'raw'"},
      {"providers: {a: {api: antropic, base_url: 'https://a.example'}}",
       "r.yaml:1: key 'providers.a.api': expected one of openai, together, anthropic, gemini, "
       "elevenlabs, http, found 'antropic' (did you mean 'anthropic'?)"},
      {"models: {m: {provider: antropic}}",
       "r.yaml:1: key 'models.m.provider': unknown provider 'antropic' (did you mean "
       "'anthropic'?)"},
  });
}

TEST_CASE("a key that stands in the file itself is refused and not repeated") {
  const std::string expected =
      ": expected where the key is found: env:NAME, file:PATH or cred:NAME (never the key itself), "
      "or none for a server that asks for no key";
  for (const char* keys : {"sk-abc123", "[sk-abc123]", "'sk-abc123'", "[[sk-abc123]]", "[]"}) {
    const auto text = complaint(std::string("providers: {openai: {keys: ") + keys + "}}");
    CAPTURE(keys);
    CHECK(text.ends_with(expected));
    CHECK(text.find("sk-") == std::string::npos);
  }
  for (const char* keys : {"env:sk-abc123", "[env: sk-abc123]", "{env: sk-abc123}", "'env:'"}) {
    const auto text = complaint(std::string("providers: {openai: {keys: ") + keys + "}}");
    CAPTURE(keys);
    CHECK(
        text.ends_with(": expected the name of an environment variable after env, such as "
                       "env:OPENAI_API_KEY, or a pattern of such names, such as "
                       "env:OPENAI_KEY_*"));
    CHECK(text.find("sk-") == std::string::npos);
  }
  CHECK(complaint("providers: {openai: {keys: [env:A, {env: A}]}}") ==
        "r.yaml:1: key 'providers.openai.keys[1]': 'A' stands twice");
}

TEST_CASE("values outside their bounds say what was expected") {
  const std::string whole = "expected a whole number from 1 to 10,000, found ";
  const std::string share = "expected a share from 0.5 to 1, such as 0.9 or 90%, found ";
  const std::string amount =
      "expected a whole number from 1 to 1,000,000,000, such as 500, 200k or 4M, found ";
  const std::string timeout =
      "r.yaml:1: key 'models.m.timeout': expected a duration from 1s to 24h, such as 500ms, 30s "
      "or 1m30s, found ";
  check_all({
      {"workers: 0", "r.yaml:1: key 'workers': " + whole + "'0'"},
      {"workers: 10001", "r.yaml:1: key 'workers': " + whole + "'10001'"},
      {"workers: auto", "r.yaml:1: key 'workers': " + whole + "'auto'"},
      {"workers: 4.5", "r.yaml:1: key 'workers': " + whole + "'4.5'"},
      {"workers: [4]", "r.yaml:1: key 'workers': " + whole + "a list"},
      {"workers:", "r.yaml:1: key 'workers': " + whole + "nothing"},
      {"max_workers: 10001", "r.yaml:1: key 'max_workers': " + whole + "'10001'"},
      {"pace_at: 0.499", "r.yaml:1: key 'pace_at': " + share + "'0.499'"},
      {"pace_at: 1.001", "r.yaml:1: key 'pace_at': " + share + "'1.001'"},
      {"pace_at: 99", "r.yaml:1: key 'pace_at': " + share + "'99'"},
      {"pace_at: nan", "r.yaml:1: key 'pace_at': " + share + "'nan'"},
      {"models: {m: {limits: {rpm: 0}}}", "r.yaml:1: key 'models.m.limits.rpm': " + amount + "'0'"},
      {"models: {m: {limits: {rpm: -5}}}",
       "r.yaml:1: key 'models.m.limits.rpm': " + amount + "'-5'"},
      {"models: {m: {limits: {rpm: 1.5}}}",
       "r.yaml:1: key 'models.m.limits.rpm': " + amount + "'1.5'"},
      {"models: {m: {limits: {rpm: 2000M}}}",
       "r.yaml:1: key 'models.m.limits.rpm': " + amount + "'2000M'"},
      {"models: {m: {limits: {rpm: 99999999999999999999}}}",
       "r.yaml:1: key 'models.m.limits.rpm': " + amount + "'99999999999999999999'"},
      {"models: {m: {timeout: 999ms}}", timeout + "'999ms'"},
      {"models: {m: {timeout: 25h}}", timeout + "'25h'"},
      {"models: {m: {timeout: soon}}", timeout + "'soon'"},
      {"models: {m: {enabled: yes}}",
       "r.yaml:1: key 'models.m.enabled': expected true or false, found 'yes'"},
      {"models: {m: {params: 5}}",
       "r.yaml:1: key 'models.m.params': expected parameters such as {max_tokens: 300}, found '5'"},
      {"models: {m: {params: {stream: true}}}",
       "r.yaml:1: key 'models.m.params': 'stream' cannot be used: every answer is read whole"},
      {"retry: {jitter: 1.5}",
       "r.yaml:1: key 'retry.jitter': expected a share from 0 to 1, such as 0.9 or 90%, found "
       "'1.5'"},
      {"retry: {server: {growth: fast}}",
       "r.yaml:1: key 'retry.server.growth': expected exponential (each wait twice the last) or "
       "linear"},
      {"retry: {server: {base: 5s}}",
       "r.yaml:1: key 'retry.server': max (4s) is below base (5s); expected at least as much"},
  });
}

TEST_CASE("limits that cannot be meant are refused") {
  const std::string place = "r.yaml:1: key 'models.m.limits";
  const std::string shape = "': expected limits such as {rpm: 500, concurrency: 8}, or none";
  check_all({
      {"models: {m: {limits: }}", place + shape},
      {"models: {m: {limits: {}}}", place + shape},
      {"models: {m: {limits: 500}}", place + shape},
      {"models: {m: {limits: []}}", place + "': expected at least one limit, or none"},
      {"models: {m: {limits: [rpm]}}",
       place + "[0]': expected a limit such as {requests: 50, per: 10s}"},
      {"models: {m: {limits: [{requests: 5}]}}",
       place + "[0]': expected both requests and per, such as {requests: 50, per: 10s}"},
      {"models: {m: {limits: [{per: 5s}]}}",
       place + "[0]': expected both an amount and per, such as {requests: 50, per: 10s}"},
      {"models: {m: {limits: [{rpm: 5}, {rpm: 6}]}}",
       place + "[1].rpm': the limit 'rpm' stands twice"},
      {"models: {m: {limits: [{concurrency: 5}, {concurrency: 6}]}}",
       place + "[1].concurrency': stands twice"},
  });
}

TEST_CASE("addresses that would leak a key or go nowhere are refused") {
  const std::string place = "r.yaml:1: key 'providers.p.base_url': ";
  const auto with = [](const std::string& url) {
    return complaint("providers: {p: {base_url: \"" + url + "\"}}");
  };
  CHECK(with("http://api.example/v1") ==
        place +
            "http:// to 'api.example' would send the key unencrypted; use https://, or set "
            "allow_http: true");
  CHECK(with("http://127.0.0.1.evil.example") ==
        place +
            "http:// to '127.0.0.1.evil.example' would send the key unencrypted; use https://, "
            "or set allow_http: true");
  CHECK(with("https://user:pw@api.example") ==
        place + "expected a URL without user and password; keys are named under keys:");
  const std::string scheme =
      place + "expected a URL that begins with https://, such as https://api.openai.com/v1";
  CHECK(with("api.example/v1") == scheme);
  CHECK(with("ftp://user:pw@api.example") == scheme);
  CHECK(with("https://a.example/v1?x=1") == place + "expected a URL without '?' and '#'");
  CHECK(with("https://a.example:0") == place + "expected a port from 1 to 65535 after the host");
  CHECK(with("https://a.example:65536") ==
        place + "expected a port from 1 to 65535 after the host");
  const std::string no_host =
      place + "expected a URL with a host, such as https://api.openai.com/v1";
  CHECK(with("https://") == no_host);
  CHECK(with("https:///v1") == no_host);
  CHECK(with("https://a b") == place + "expected a URL without spaces and control characters");
  CHECK(with("https://a\\r\\nX: y") == place + "expected one line of text");
  CHECK(complaint("providers: {p: {keys: env:A}}") ==
        "r.yaml:1: key 'providers.p': missing key base_url, such as https://api.openai.com/v1");
  CHECK(complaint("providers: {a/b: {base_url: 'https://a.example'}}") ==
        "r.yaml:1: key 'providers.a/b': expected a name without '/', which stands between provider "
        "and model");
}

TEST_CASE("names that lead nowhere are errors of the configuration") {
  check_all({
      {"models: {m: {provider: opnai}}",
       "r.yaml:1: key 'models.m.provider': unknown provider 'opnai' (did you mean 'openai'?)"},
      {"models: {m: {provider: zzz}}",
       "r.yaml:1: key 'models.m.provider': unknown provider 'zzz'; expected a name under "
       "providers:"},
      {"providers: {p: {base_url: 'https://p.example'}}\nmodels: {m: {}}",
       "r.yaml:2: key 'models.m': missing key provider, the name of one under providers:"},
      {"models: {mini: {}}\ntypes: {t: {model: mimi}}",
       "r.yaml:2: key 'types.t.model': unknown model 'mimi' (did you mean 'mini'?)"},
      {"types: {t: {prompt: '{{a'}}",
       "r.yaml:1: key 'types.t.prompt': line 1 of the template: '{{' is never closed; expected for "
       "example {{artist}}"},
      {"types: {t: {prompt: ''}}", "r.yaml:1: key 'types.t.prompt': expected text, found ''"},
      {"types: {t: {prompt: a, prompt_file: b}}",
       "r.yaml:1: key 'types.t.prompt_file': stands beside the same text in place; give one of "
       "them"},
      {"types: {t: {system_file: no/such}}",
       "r.yaml:1: key 'types.t.system_file': no/such: cannot read: No such file or directory"},
      {"types: {t: 5}", "r.yaml:1: key 'types.t': expected keys and values below it"},
      {"[1]", "r.yaml:1: expected keys and values, such as workers: 4"},
      {"hello", "r.yaml:1: expected keys and values, such as workers: 4"},
  });
}

TEST_CASE("a template file that is wrong is named with its line") {
  const TemporaryFolder folder;
  const auto text = folder.write("p.txt", "a\n{{b: c}}\n");
  const auto path = folder.write("r.yaml", "types:\n  t:\n    prompt_file: p.txt\n");
  CHECK(message_of(read_config(path)) ==
        path + ":3: key 'types.t.prompt_file': " + text +
            ": line 2 of the template: '{{b: c}}' is not a placeholder; expected {{name}}, "
            "{{name|default}} or {{name?}}, where a name has no { } | ? : \", tab or line break");
}

TEST_CASE("all problems are shown by line, twenty at most") {
  CHECK(complaint("types: {t: {model: x}}\nmodels: {m: {kind: y}}\nworkers: 0") ==
        "r.yaml:1: key 'types.t.model': unknown model 'x' (did you mean 'm'?)\n"
        "r.yaml:2: key 'models.m.kind': expected one of chat, responses, image, speech, "
        "transcription, embedding, found 'y'\n"
        "r.yaml:3: key 'workers': expected a whole number from 1 to 10,000, found '0'");
  const auto many = [](int count) {
    std::string text = "breaker:\n";
    for (int i = 0; i < count; ++i) text += "  zzzzzzzzzzz" + std::to_string(i) + ": 1\n";
    return complaint(text);
  };
  const auto lines = [](const std::string& text) {
    return 1 + std::count(text.begin(), text.end(), '\n');
  };
  CHECK(lines(many(20)) == 20);
  CHECK(many(21).ends_with("\nr.yaml: and 1 more problem"));
  CHECK(lines(many(21)) == 21);
  CHECK(many(25).ends_with("\nr.yaml: and 5 more problems"));
}

TEST_CASE("broken and hostile YAML is refused with its line") {
  check_all({
      {"a: [1\nb: 2", "r.yaml:2: not valid YAML here: end of sequence flow not found"},
      {"workers: 1\nworkers: 2", "r.yaml:2: not valid YAML here: key 'workers' stands twice"},
      {"models: &a {m: {}}\ntypes: *a",
       "r.yaml:2: not valid YAML here: aliases (*name) are not supported; write the value out"},
      {"workers: !!int 4", "r.yaml:1: not valid YAML here: tags (!name) are not supported"},
      {"? [a]\n: 1", "r.yaml:1: not valid YAML here: expected a plain key, found a list or a map"},
      {"~: 1", "r.yaml:1: not valid YAML here: expected a key, found nothing"},
      {"workers: 1\n---\nworkers: 2", "r.yaml:1: more than one YAML document in the file"},
      {"workers: 4\n\x04models: {}", "r.yaml:2: a control character; expected plain text"},
      {"workers: \xff", "r.yaml:1: invalid UTF-8; save the file as UTF-8"},
  });
  std::string bomb = "a: &a [x]\n";
  for (char c = 'b'; c < 'm'; ++c) {
    const std::string before(1, static_cast<char>(c - 1));
    bomb += std::string(1, c) + ": &" + c + " [*" + before + ",*" + before + "]\n";
  }
  CHECK(complaint(bomb).find("aliases") != std::string::npos);
}

TEST_CASE("deep and large text does not hang or crash the parser") {
  const std::string too_deep =
      "r.yaml:1: not valid YAML here: lists and maps are nested more than 32 deep";
  CHECK(complaint(std::string(100'000, '[')).starts_with("r.yaml:1: "));
  CHECK(complaint(std::string(100'000, '{')).starts_with("r.yaml:1: "));
  // Four maps stand around the lists.
  const auto nested = [](std::size_t lists) {
    return complaint("models: {m: {params: {a: " + std::string(lists, '[') +
                     std::string(lists, ']') + "}}}");
  };
  CHECK(nested(28) == "(no error)");
  CHECK(nested(29) == too_deep);
  std::string dashes;
  for (int i = 0; i < 50'000; ++i) dashes += "- ";
  CHECK(complaint(dashes) == too_deep);
  std::string keys;
  for (int i = 0; i < 30'000; ++i) keys += "k" + std::to_string(i) + ": 1\n";
  CHECK(complaint(keys).ends_with("and 29,980 more problems"));
  CHECK(complaint(std::string(config_bytes_max, '\n')) == "(no error)");
  CHECK(complaint(std::string(config_bytes_max + 1, '\n')) ==
        "r.yaml:1: the configuration is larger than 1 MiB");
}

TEST_CASE("two names for one model of a provider are refused where they would double its limit") {
  const auto twice = [](const std::string& limits) {
    return complaint("models:\n  a: {provider: openai, id: x" + limits +
                     "}\n  b: {provider: openai, id: x}\n");
  };
  CHECK(twice("") == "(no error)");
  CHECK(twice(", limits: {rpm: 60}").find("is the same model of openai as 'a'") !=
        std::string::npos);
}

TEST_CASE("a configuration that cannot be read names its path") {
  const TemporaryFolder folder;
  const auto absent = read_config(folder.path("none.yaml"));
  REQUIRE_FALSE(absent.has_value());
  CHECK(absent.error().code == ErrorCode::not_found);
  CHECK(absent.error().message ==
        folder.path("none.yaml") + ": cannot read: No such file or directory");
  CHECK(message_of(read_config(folder.path())) == folder.path() + ": is a folder; expected a file");
  const auto large = folder.write("large.yaml", std::string(config_bytes_max + 1, '\n'));
  CHECK(message_of(read_config(large)) == large + ": is larger than 1,048,576 bytes");
}

}  // namespace
}  // namespace ratebatch::config_errors_test
