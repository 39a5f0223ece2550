#include "run/exchange.hpp"

#include <doctest/doctest.h>

#include "ratebatch/run/answer_files.hpp"
#include "support/temporary_folder.hpp"

namespace ratebatch::read_answer_test {

using namespace provider;
using namespace run;
using namespace store;

namespace {

constexpr RouteId bio{1};
constexpr RouteId image{2};

// Answers with what it is given, and the reply's body as its text.
class EchoDialect final : public Dialect {
 public:
  [[nodiscard]] Result<HttpRequest> request(const JobContent& /*content*/,
                                            const Endpoint& /*endpoint*/) const override {
    return HttpRequest{};
  }
  [[nodiscard]] KeyHeader key_header(const Endpoint& /*endpoint*/) const override { return {}; }
  [[nodiscard]] Outcome read(const HttpReply& reply, const Endpoint& /*endpoint*/,
                             const AskedFor& /*asked*/) const override {
    Outcome outcome;
    outcome.kind = OutcomeClass::done;
    outcome.http_status = reply.status;
    outcome.usage.output_tokens = 9;
    outcome.answer.emplace();
    outcome.answer->text = reply.body;
    outcome.answer->finish_reason = reply.body == "Hello" ? "stop" : "length";
    for (const ReplyFile& file : reply.files)
      outcome.answer->assets.push_back({"", file.path, "png"});
    outcome.answer->links = {"https://files.test/a"};
    return outcome;
  }
};

Catalog catalog_of(const Dialect& dialect) {
  Catalog catalog;
  catalog.dialects = {&dialect};
  catalog.endpoints.resize(1);
  catalog.keys = {Secret{"sk-secret-1234567"}};
  catalog.accept[bio].finish_reasons = {"stop"};
  return catalog;
}

HttpReply reply_of(const std::string& body) {
  HttpReply reply;
  reply.status = 200;
  reply.body = body;
  reply.files = {{"/in/1-0", 9, ""}};
  return reply;
}

TEST_CASE("an answer that its type refuses keeps its text and usage, and loses its files") {
  const EchoDialect dialect;
  const Catalog catalog = catalog_of(dialect);
  const Outcome refused = read_answer(catalog, {bio, {}, {}, {}}, reply_of("Hi"));
  CHECK(refused.kind == OutcomeClass::not_accepted);
  CHECK_FALSE(refused.message.empty());
  CHECK(refused.usage.output_tokens == 9);
  REQUIRE(refused.answer.has_value());
  CHECK(refused.answer->text == "Hi");
  CHECK(refused.answer->assets.empty());
  CHECK(refused.answer->links.empty());

  const Outcome accepted = read_answer(catalog, {bio, {}, {}, {}}, reply_of("Hello"));
  CHECK(accepted.kind == OutcomeClass::done);
  CHECK(accepted.answer->assets.size() == 1);
  CHECK(accepted.answer->links.size() == 1);
  // The rules of one type are none of another's.
  CHECK(read_answer(catalog, {image, {}, {}, {}}, reply_of("Hi")).kind == OutcomeClass::done);
}

TEST_CASE("what a server echoes of the key never gets further") {
  const EchoDialect dialect;
  const Catalog catalog = catalog_of(dialect);
  const Outcome outcome =
      read_answer(catalog, {image, {}, {}, {}}, reply_of("your sk-secret-1234567"));
  CHECK(outcome.answer->text == "your [key]");
  const TransferFailure failure{TransferFault::broken, true, 0, "sk-secret-1234567"};
  const Outcome broken = read_answer(catalog, {bio, {}, {}, {}}, failure);
  CHECK(broken.kind == OutcomeClass::network);
  CHECK(broken.message == "[key]");
}

TEST_CASE("the incoming folder of a run is made when it is wanted, and goes when it is empty") {
  const TemporaryFolder folder;
  const std::string assets = folder.path("assets");
  {
    AssetsFolder files{assets, folder.path("x.db")};
    CHECK_FALSE(std::filesystem::exists(assets));
    const auto incoming = files.incoming();
    REQUIRE(incoming.has_value());
    CHECK(files.incoming() == incoming);
    HttpReply reply;
    for (const char* name : {"/1-0", "/1-1"}) {
      std::ofstream{*incoming + name} << "bytes";
      reply.files.push_back({*incoming + name, 5, ""});
    }
    const std::vector<Asset> used = {{"", *incoming + "/1-1", "png"}};
    remove_unused(files, reply, used);
    CHECK_FALSE(std::filesystem::exists(*incoming + "/1-0"));
    // One file is there already: this is the second.
    const auto names = files.keep("job", 1, used);
    REQUIRE(names.has_value());
    CHECK(*names == std::vector<std::string>{assets + "/job~2.png"});
    CHECK(folder.read("assets/job~2.png") == "bytes");
  }
  CHECK(std::distance(std::filesystem::directory_iterator{assets}, {}) == 1);
}

TEST_CASE("without a folder to write to, the user learns what to do") {
  const TemporaryFolder folder;
  AssetsFolder files{folder.write("file", ""), folder.path("x.db")};
  const auto incoming = files.incoming();
  REQUIRE_FALSE(incoming.has_value());
  CHECK(incoming.error().message.find("'assets:'") != std::string::npos);
}

}  // namespace
}  // namespace ratebatch::read_answer_test
