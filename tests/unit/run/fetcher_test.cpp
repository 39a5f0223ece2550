#include "run/fetcher.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <set>
#include <utility>

namespace ratebatch::fetcher_test {

using namespace net;
using namespace run;
using namespace store;

namespace {

// Remembers what is sent, and is told what comes of it.
class ScriptTransport final : public Transport {
 public:
  void send(TransferId id, HttpRequest request) override { sent.emplace_back(id, request); }
  void cancel(TransferId id) override { cancelled.insert(id); }
  std::vector<FinishedTransfer> finished() override { return {}; }
  void wait(Duration /*longest*/) override {}

  std::vector<std::pair<TransferId, HttpRequest>> sent;
  std::set<TransferId> cancelled;
};

class NamedFiles final : public AnswerFiles {
 public:
  Result<std::string> incoming() override { return std::string{"/in"}; }
  Result<std::vector<std::string>> keep(std::string_view id, std::size_t before,
                                        const std::vector<Asset>& assets) override {
    if (failure) return fail(*failure, "cannot write there: no reason");
    std::vector<std::string> names;
    for (std::size_t i = 0; i < assets.size(); ++i) {
      names.push_back(std::string{id} + std::to_string(before + i) + "." + assets[i].extension);
    }
    return names;
  }
  void remove(const std::string& path) override { removed.insert(path); }

  std::optional<ErrorCode> failure;
  std::set<std::string> removed;
};

class Bench {
 public:
  explicit Bench(std::vector<std::string> links, std::size_t before = 0) {
    fetcher.start({JobSeq{1}, AttemptNumber{2}}, {"job-1", std::move(links), before}, "/in",
                  TransferId{1});
  }

  std::optional<event::FetchEnded> reply(TransferResult result) {
    FinishedTransfer finished{transport.sent.back().first, std::move(result), {}};
    REQUIRE(fetcher.owns(finished.id));
    const TransferId next{static_cast<std::uint64_t>(finished.id) + 1};
    return fetcher.ended(finished, "/in", next);
  }
  std::optional<event::FetchEnded> status(std::int32_t status, std::vector<Header> headers = {}) {
    HttpReply reply_;
    reply_.status = status;
    reply_.headers = std::move(headers);
    return reply(std::move(reply_));
  }
  // A picture in a file.
  std::optional<event::FetchEnded> picture() {
    HttpReply reply_;
    reply_.status = 200;
    reply_.headers = {{"content-type", "image/png"}};
    const auto id = static_cast<std::uint64_t>(transport.sent.back().first);
    reply_.files = {{"/in/" + std::to_string(id) + "-0", 5000, "\x89PNG\r\n\x1a\n"}};
    return reply(std::move(reply_));
  }
  [[nodiscard]] const HttpRequest& last() const { return transport.sent.back().second; }

  ScriptTransport transport;
  NamedFiles files;
  Fetcher fetcher{transport, files};
};

TEST_CASE("a download carries no key and goes to public addresses, its body to a file") {
  Bench bench{{"https://files.test/a?sig=1"}};
  CHECK(bench.last().method == "GET");
  CHECK(bench.last().url == "https://files.test/a?sig=1");
  CHECK(bench.last().public_only);
  CHECK_FALSE(bench.last().key_header.has_value());
  CHECK(bench.last().headers.empty());
  CHECK(bench.last().reply_files.binary_body);
  CHECK(bench.last().reply_files.folder == "/in");
  CHECK(bench.last().reply_files.stem == "1");
  const auto ended = bench.picture();
  REQUIRE(ended.has_value());
  CHECK(ended->job == JobSeq{1});
  CHECK(ended->attempt == AttemptNumber{2});
  CHECK(ended->outcome.kind == OutcomeClass::done);
  CHECK(ended->outcome.files == std::vector<std::string>{"job-10.png"});
  CHECK(bench.files.removed.empty());
}

TEST_CASE("links are fetched one after the other, behind the files that are there") {
  Bench bench{{"https://files.test/a", "https://files.test/b"}, 1};
  CHECK_FALSE(bench.picture().has_value());
  CHECK(bench.last().url == "https://files.test/b");
  const auto ended = bench.picture();
  REQUIRE(ended.has_value());
  CHECK(ended->outcome.files == std::vector<std::string>{"job-11.png", "job-12.png"});
}

TEST_CASE("redirects are followed hop by hop, three for each link") {
  Bench bench{{"https://files.test/a", "https://files.test/b"}};
  for (const char* to : {"/x", "https://other.test/y", "z"}) {
    CHECK_FALSE(bench.status(302, {{"location", to}}).has_value());
    CHECK(bench.last().public_only);
  }
  CHECK(bench.last().url == "https://other.test/z");
  CHECK_FALSE(bench.picture().has_value());
  for (int i = 0; i < 3; ++i) CHECK_FALSE(bench.status(307, {{"location", "/b"}}).has_value());
  const auto ended = bench.status(302, {{"location", "/b"}});
  REQUIRE(ended.has_value());
  CHECK(ended->outcome.kind == OutcomeClass::bad_reply);
  CHECK(ended->outcome.message.find("redirected too often") != std::string::npos);
  // What came before it goes.
  CHECK(bench.files.removed == std::set<std::string>{"/in/4-0"});
}

TEST_CASE("every way to fail is told, with the host and what to do, and without the link") {
  struct Row {
    std::int32_t status;
    OutcomeClass kind;
  };
  for (const Row& row : {Row{401, OutcomeClass::not_found}, Row{403, OutcomeClass::not_found},
                         Row{404, OutcomeClass::not_found}, Row{410, OutcomeClass::not_found},
                         Row{400, OutcomeClass::bad_reply}, Row{408, OutcomeClass::timeout},
                         Row{429, OutcomeClass::rate_limited}, Row{500, OutcomeClass::server_error},
                         Row{503, OutcomeClass::server_error}, Row{302, OutcomeClass::bad_reply}}) {
    CAPTURE(row.status);
    Bench bench{{"https://files.test/a?sig=secret"}};
    const auto ended = bench.status(row.status, {{"retry-after", "7"}});
    REQUIRE(ended.has_value());
    CHECK(ended->outcome.kind == row.kind);
    const std::string& message = ended->outcome.message;
    CHECK(message.starts_with("cannot download the file from https://files.test:443: "));
    CHECK(
        ended->outcome.advice ==
        "; the answer is paid: `ratebatch retry --id job-1` asks for another one, and pays again");
    CHECK(message.find("secret") == std::string::npos);
    if (row.status == 503) CHECK(ended->outcome.wait == std::chrono::seconds{7});
  }
}

TEST_CASE("a transfer that breaks is the network's fault, a link we must not follow nobody's") {
  struct Row {
    TransferFault fault;
    OutcomeClass kind;
  };
  for (const Row& row : {Row{TransferFault::broken, OutcomeClass::network},
                         Row{TransferFault::timeout, OutcomeClass::timeout},
                         Row{TransferFault::too_large, OutcomeClass::too_large},
                         Row{TransferFault::not_allowed, OutcomeClass::invalid_request}}) {
    Bench bench{{"https://files.test/a"}};
    const auto ended = bench.reply(TransferFailure{row.fault, false, 0, "files.test: so it is"});
    REQUIRE(ended.has_value());
    CHECK(ended->outcome.kind == row.kind);
    CHECK(ended->outcome.message.find("so it is") != std::string::npos);
    CHECK_FALSE(ended->outcome.answered);
  }
  Bench begun{{"https://files.test/a"}};
  CHECK(begun.reply(TransferFailure{TransferFault::broken, true, 200, "cut"})->outcome.answered);
  Bench refused{{"https://files.test/a"}};
  CHECK(refused.status(408)->outcome.answered);
}

TEST_CASE("an empty file is none, and neither is a page of text") {
  Bench empty{{"https://files.test/a"}};
  CHECK(empty.status(200, {{"content-type", "image/png"}})->outcome.kind ==
        OutcomeClass::bad_reply);
  Bench page{{"https://files.test/a"}};
  HttpReply reply;
  reply.status = 200;
  reply.headers = {{"content-type", "text/html"}};
  reply.body = "<html>sorry</html>";
  CHECK(page.reply(reply)->outcome.message.find("a text came instead of a file") !=
        std::string::npos);
}

TEST_CASE("where the disk is full the link is not to blame") {
  Bench bench{{"https://files.test/a"}};
  bench.files.failure = ErrorCode::disk_full;
  const auto full = bench.picture();
  REQUIRE(full.has_value());
  CHECK(full->outcome.no_room);
  CHECK_FALSE(full->outcome.local);
  CHECK(bench.files.removed == std::set<std::string>{"/in/1-0"});
  Bench other{{"https://files.test/a"}};
  other.files.failure = ErrorCode::io;
  const auto broken = other.picture();
  REQUIRE(broken.has_value());
  CHECK_FALSE(broken->outcome.no_room);
  CHECK(broken->outcome.local);
  CHECK(broken->outcome.message ==
        "cannot write there: no reason; the answer is stored: mend that, and its file is "
        "downloaded again");
}

TEST_CASE("a download that is given up leaves nothing") {
  Bench bench{{"https://files.test/a", "https://files.test/b"}};
  CHECK_FALSE(bench.picture().has_value());
  bench.fetcher.cancel(JobSeq{2});
  CHECK(bench.transport.cancelled.empty());
  bench.fetcher.cancel(JobSeq{1});
  CHECK(bench.transport.cancelled == std::set<TransferId>{TransferId{2}});
  CHECK(bench.files.removed == std::set<std::string>{"/in/1-0"});
  CHECK_FALSE(bench.fetcher.owns(TransferId{2}));
}

}  // namespace
}  // namespace ratebatch::fetcher_test
