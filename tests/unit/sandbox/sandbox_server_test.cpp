// The sandbox over real sockets of the loopback interface: what happens to connections.
#include "ratebatch/sandbox/sandbox_server.hpp"

#include <arpa/inet.h>
#include <doctest/doctest.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include <cerrno>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/system_clock.hpp"
#include "sandbox/http_front.hpp"
#include "support/temporary_folder.hpp"

namespace ratebatch::sandbox_server_test {

using namespace sandbox;

namespace {

using std::chrono::milliseconds;
using std::chrono::seconds;

const std::string chat = R"({"model":"m","messages":[{"role":"user","content":"Hello Ada"}]})";

std::string post(std::string_view body, std::string_view extra = "") {
  return "POST /v1/chat/completions HTTP/1.1\r\nHost: 127.0.0.1\r\n" + std::string(extra) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

const std::string health = "GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n";

// One blocking connection. A receive that takes a minute fails: no test waits for ever.
class Client {
 public:
  explicit Client(std::uint16_t port) : socket_(::socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0)) {
    const timeval patience{60, 0};
    ::setsockopt(socket_.get(), SOL_SOCKET, SO_RCVTIMEO, &patience, sizeof patience);
    sockaddr_in address{};
    address.sin_family = AF_INET;
    address.sin_port = htons(port);
    address.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    REQUIRE(::connect(socket_.get(), reinterpret_cast<sockaddr*>(&address), sizeof address) == 0);
  }

  void send(std::string_view text) {
    while (!text.empty()) {
      const ssize_t sent = ::send(socket_.get(), text.data(), text.size(), MSG_NOSIGNAL);
      if (sent <= 0) return;  // The server may refuse early; what it said can still be read.
      text.remove_prefix(static_cast<std::size_t>(sent));
    }
  }

  // Reads one reply with a Content-Length, or what came until the end; `error` has the errno of a
  // failed receive, else 0.
  std::string receive() {
    std::string text;
    error = 0;
    while (!is_complete(text)) {
      char buffer[65536];
      const ssize_t got = ::recv(socket_.get(), buffer, sizeof buffer, 0);
      if (got < 0) error = errno;
      if (got <= 0) return text;
      text.append(buffer, static_cast<std::size_t>(got));
    }
    return text;
  }

  std::string ask(std::string_view text) {
    send(text);
    return receive();
  }

  int error = 0;

 private:
  static bool is_complete(const std::string& text) {
    const std::size_t head = text.find("\r\n\r\n");
    const std::size_t length = text.find("Content-Length: ");
    if (head == std::string::npos || length > head) return false;
    return text.size() >= head + 4 + std::stoul(text.substr(length + 16, 20));
  }

  Descriptor socket_;
};

std::unique_ptr<SandboxServer> start(std::string_view text) {
  auto options = parse_sandbox_options(text);
  REQUIRE(options.has_value());
  auto server = SandboxServer::start(*options);
  REQUIRE(server.has_value());
  return std::move(*server);
}

// Asks the server for its health until what it counted satisfies `good`, or a minute is over.
template <typename Condition>
bool comes_true(const SandboxServer& server, Condition good) {
  Client client(server.port());
  const Instant end = system_now().steady + seconds{60};
  while (system_now().steady < end) {
    if (good(server.stats())) return true;
    client.ask(health);
  }
  return false;
}

bool holds(std::string_view text, std::string_view part) {
  return text.find(part) != std::string_view::npos;
}

TEST_CASE("the server answers on one connection again and again, after its latency") {
  const auto server = start("latency=30ms");
  CHECK(server->base_url() == "http://127.0.0.1:" + std::to_string(server->port()) + "/v1");
  Client client(server->port());
  for (int i = 0; i < 3; ++i) {
    const Instant before = system_now().steady;
    const std::string reply = client.ask(post(chat, "X-Client-Request-Id: job-1\r\n"));
    CHECK(system_now().steady - before >= milliseconds{29});
    CHECK(reply.starts_with("HTTP/1.1 200 OK\r\n"));
    CHECK(holds(reply, "Ada"));
  }
  CHECK(holds(client.ask("GET /stats?x=1 HTTP/1.1\r\nHost: [::1]:80\r\n\r\n"),
              R"("bill":{"job-1":3})"));
  CHECK(server->stats().bill.at("job-1") == 3);
}

TEST_CASE("a refusal comes at once, with its reason") {
  const auto server = start("latency=0,rpm=1");
  Client client(server->port());
  CHECK(client.ask(post(chat)).starts_with("HTTP/1.1 200 "));
  const std::string refused = client.ask(post(chat));
  CHECK(refused.starts_with("HTTP/1.1 429 Too Many Requests\r\n"));
  CHECK(holds(refused, "\r\nRetry-After: 60\r\n"));
  CHECK(holds(refused, "rate_limit_exceeded"));
}

TEST_CASE("a thousand connections are held at once, and all are answered") {
  const auto server = start("latency=300ms");
  std::vector<std::unique_ptr<Client>> clients;
  for (int i = 0; i < 1000; ++i) {
    clients.push_back(std::make_unique<Client>(server->port()));
    clients.back()->send(post(chat));
  }
  int good = 0;
  for (const auto& client : clients) good += client->receive().starts_with("HTTP/1.1 200 ") ? 1 : 0;
  CHECK(good == 1000);
  CHECK(server->stats().total.in_flight == 0);
  CHECK(server->stats().abandoned == 0);
}

TEST_CASE("a reset is a reset: no orderly end, no byte, but charged") {
  const auto server = start("latency=1ms,reset_rate=1");
  for (int i = 0; i < 20; ++i) {
    Client client(server->port());
    CHECK(client.ask(post(chat, "X-Client-Request-Id: job\r\n")) == "");
    CHECK(client.error == ECONNRESET);
  }
  CHECK(server->stats().bill.at("job") == 20);
  CHECK(server->stats().total.in_flight == 0);
}

TEST_CASE("a truncated answer ends before its Content-Length") {
  const auto server = start("latency=1ms,truncate_rate=1");
  Client client(server->port());
  const std::string reply = client.ask(post(chat));
  CHECK(client.error == 0);
  CHECK(reply.starts_with("HTTP/1.1 200 "));
  const std::size_t body = reply.size() - reply.find("\r\n\r\n") - 4;
  CHECK(holds(reply, "Content-Length: " + std::to_string(body + 64) + "\r\n"));
}

TEST_CASE("a request that hangs is in flight until its client leaves") {
  const auto server = start("latency=1ms,hang_rate=1,concurrency=1");
  {
    Client client(server->port());
    client.send(post(chat));
    CHECK(comes_true(*server, [](const SandboxStats& s) { return s.total.in_flight == 1; }));
    CHECK(Client(server->port()).ask(post(chat)).starts_with("HTTP/1.1 429 "));
  }
  CHECK(comes_true(*server, [](const SandboxStats& s) { return s.total.in_flight == 0; }));
  CHECK(server->stats().abandoned == 1);
  CHECK(server->stats().charged == 1);
}

TEST_CASE("clients that leave early are noticed, and the others are served") {
  const auto server = start("latency=20ms,jitter=20ms");
  Client loyal(server->port());
  for (int round = 0; round < 20; ++round) {
    std::vector<std::unique_ptr<Client>> hasty;
    for (int i = 0; i < 10; ++i) {
      hasty.push_back(std::make_unique<Client>(server->port()));
      hasty.back()->send(post(chat));
    }
    hasty.resize(5);
    CHECK(loyal.ask(post(chat)).starts_with("HTTP/1.1 200 "));
  }
  CHECK(comes_true(*server, [](const SandboxStats& s) {
    return s.total.granted > 20 && s.total.in_flight == 0;
  }));
}

TEST_CASE("a server that ends with requests pending closes their connections") {
  for (const char* text : {"latency=10m", "hang_rate=1", "latency=0"}) {
    CAPTURE(text);
    auto server = start(text);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < 50; ++i) {
      clients.push_back(std::make_unique<Client>(server->port()));
      clients.back()->send(post(chat));
    }
    CHECK(comes_true(*server, [](const SandboxStats& s) { return s.total.granted == 50; }));
    server.reset();
    for (const auto& client : clients) {
      client->receive();
      CHECK(client->error != EAGAIN);
    }
  }
}

TEST_CASE("requests that follow each other without waiting are answered in order") {
  const auto server = start("latency=5ms");
  Client client(server->port());
  client.send(post(chat) + health);
  std::string replies;
  while (!holds(replies, "ok\n")) {
    const std::string part = client.receive();
    REQUIRE_FALSE(part.empty());
    replies += part;
  }
  CHECK(replies.find("chat.completion") < replies.find("ok\n"));
}

// The body behind the head of a reply.
std::string body_of(const std::string& reply) { return reply.substr(reply.find("\r\n\r\n") + 4); }

std::string post_to(std::string_view path, std::string_view extra, std::string_view body) {
  return "POST " + std::string(path) + " HTTP/1.1\r\nHost: 127.0.0.1\r\n" + std::string(extra) +
         "Content-Length: " + std::to_string(body.size()) + "\r\n\r\n" + std::string(body);
}

TEST_CASE("a form goes in and audio comes out, byte by byte") {
  const auto server = start("latency=0");
  Client client(server->port());
  const std::string audio = body_of(client.ask(post_to(
      "/elevenlabs/v1/text-to-speech/v?output_format=wav_8000", "", R"({"text":"Hello Ada"})")));
  CHECK(audio.starts_with("RIFF"));
  CHECK(audio.size() == 44 + 9 * 320);
  const auto transcribe = [&](const std::string& file) {
    return client.ask(post_to(
        "/openai/v1/audio/transcriptions", "Content-Type: multipart/form-data; boundary=b\r\n",
        "--b\r\nContent-Disposition: form-data; name=\"model\"\r\n\r\nw\r\n--b\r\n"
        "Content-Disposition: form-data; name=\"file\"; filename=\"a.wav\"\r\n\r\n" +
            file + "\r\n--b--\r\n"));
  };
  const std::string first = transcribe(audio);
  CHECK(first.starts_with("HTTP/1.1 200 "));
  CHECK(body_of(first) == body_of(transcribe(audio)));
  CHECK(body_of(first) != body_of(transcribe(audio + '\0')));
}

TEST_CASE("a link leads to the same port and serves a picture of the wanted size") {
  const auto server = start("latency=0,image_bytes=300000");
  Client client(server->port());
  const std::string host = "127.0.0.1:" + std::to_string(server->port());
  const std::string body = R"({"model":"flux","prompt":"whale"})";
  const std::string reply =
      client.ask("POST /together/v1/images/generations HTTP/1.1\r\nHost: " + host +
                 "\r\nContent-Length: " + std::to_string(body.size()) + "\r\n\r\n" + body);
  const std::size_t at = reply.find("http://" + host + "/files/");
  REQUIRE(at != std::string::npos);
  const std::string path = reply.substr(at + 7 + host.size(), 27);
  const std::string get = "GET " + path + " HTTP/1.1\r\nHost: " + host + "\r\n";
  const std::string picture = client.ask(get + "\r\n");
  CHECK(holds(picture, "\r\nContent-Type: image/png\r\n"));
  CHECK(body_of(picture).starts_with("\x89PNG"));
  CHECK(body_of(picture).size() >= 300'000);
  CHECK(client.ask(get + "Authorization: Bearer k\r\n\r\n").starts_with("HTTP/1.1 400 "));
  CHECK(server->stats().keys_leaked == 1);
  CHECK(server->stats().links == SandboxLinkStats{1, 1, 0});
}

TEST_CASE("the largest picture fits what clients accept") {
  const auto server = start("latency=0,image_bytes=46137344");
  Client client(server->port());
  const std::string reply =
      client.ask(post_to("/gemini/v1/models/m:generateContent", "",
                         R"({"contents":[{"parts":[{"text":"x"}]}],)"
                         R"("generationConfig":{"responseModalities":["IMAGE"]}})"));
  CHECK(reply.starts_with("HTTP/1.1 200 "));
  CHECK(body_of(reply).size() > 60'000'000);
  CHECK(body_of(reply).size() < (64U << 20U));
}

TEST_CASE("a scripted reply of status 0 closes the connection, and the next request is served") {
  const TemporaryFolder folder;
  const std::string path = folder.write("replies.jsonl", R"({"name":"gone","status":0,"times":2})");
  const auto server = start("latency=0,replies=" + path);
  const std::string request =
      post(R"({"model":"m","messages":[{"role":"user","content":"[[gone]]"}]})");
  for (int i = 0; i < 2; ++i) {
    Client client(server->port());
    CHECK(client.ask(request) == "");
    CHECK(client.error == 0);
  }
  CHECK(Client(server->port()).ask(request).starts_with("HTTP/1.1 200 "));
  CHECK(server->stats().scripted.at("gone") == 2);
  CHECK(server->stats().total.granted == 1);
}

TEST_CASE("only requests to this machine are answered") {
  const auto server = start("");
  struct Row {
    std::string request;
    std::string status;
  };
  for (const Row& row : std::vector<Row>{
           {"GET /healthz HTTP/1.1\r\nHost: localhost:5\r\n\r\n", "200"},
           {"GET /healthz HTTP/1.1\r\nHost: evil.example\r\n\r\n", "421 Misdirected Request"},
           {"GET /healthz HTTP/1.1\r\n\r\n", "421"},
           {"GET http://evil.example/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "421"},
           {"GET http://127.0.0.1/healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "200"},
           {"BREW /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n", "501"},
           {"nonsense\r\n\r\n", "400"},
           {"GET /healthz HTTP/1.1\r\nX: " + std::string(70'000, 'x') + "\r\n\r\n", "400"}}) {
    CAPTURE(row.request.substr(0, 60));
    CHECK(Client(server->port()).ask(row.request).starts_with("HTTP/1.1 " + row.status));
  }
}

TEST_CASE("the names of this machine are known") {
  for (const char* good : {"localhost", "LocalHost:80", "127.0.0.1", "127.0.0.1:65535", "127.9.8.7",
                           "[::1]", "[::1]:8080"}) {
    CAPTURE(good);
    CHECK(names_this_machine(good));
  }
  for (const char* bad : {"", ":80", "127.0.0.1.evil.example", "localhost.evil.example", "10.0.0.1",
                          "128.0.0.1", "0x7f.1", "[::2]", "evil.example:80", "127.0.0.1:80:80"}) {
    CAPTURE(bad);
    CHECK_FALSE(names_this_machine(bad));
  }
}

TEST_CASE("bodies up to the cap are read, larger ones refused") {
  const auto server = start("latency=0");
  const auto padded = [&](std::size_t size) {
    return post(chat + std::string(size - chat.size(), ' '));
  };
  constexpr auto cap = static_cast<std::size_t>(request_body_bytes_max);
  CHECK(Client(server->port()).ask(padded(cap)).starts_with("HTTP/1.1 200 "));
  // Only the head is sent: what the server does not read would reset the connection.
  Client client(server->port());
  const std::string whole = padded(cap + 1);
  CHECK(client.ask(whole.substr(0, whole.find("\r\n\r\n") + 4)).starts_with("HTTP/1.1 413 "));
}

TEST_CASE("a port that is taken is named with what to do") {
  const auto server = start("");
  SandboxOptions options;
  options.port = server->port();
  const auto second = SandboxServer::start(options);
  REQUIRE_FALSE(second.has_value());
  CHECK(second.error().code == ErrorCode::invalid_input);
  CHECK(holds(second.error().message, "127.0.0.1:" + std::to_string(options.port)));
  CHECK(holds(second.error().message, "choose another port"));
  options.latency = Duration{-1};
  CHECK_FALSE(SandboxServer::start(options).has_value());
}

TEST_CASE("in the foreground it serves until the descriptor is readable") {
  const Descriptor stop(::eventfd(0, EFD_CLOEXEC));
  std::string url;
  const auto served = serve_sandbox(SandboxOptions{}, stop.get(), [&](const std::string& base_url) {
    url = base_url;
    const auto port = std::stoul(url.substr(url.rfind(':') + 1));
    CHECK(holds(Client(static_cast<std::uint16_t>(port)).ask(health), "ok\n"));
    ::eventfd_write(stop.get(), 1);
  });
  CHECK(served.has_value());
  CHECK(url.starts_with("http://127.0.0.1:"));
}

}  // namespace
}  // namespace ratebatch::sandbox_server_test
