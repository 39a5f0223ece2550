// Keys that are sent, and files of answers that cannot be put in their place: what is paid is
// neither lost in silence nor paid twice.
#include "ratebatch/run/driver.hpp"

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <utility>
#include <vector>

#include "ratebatch/run/catalog.hpp"
#include "support/fake_checkpoint.hpp"

namespace ratebatch::driver_test {

using namespace net;
using namespace provider;
using namespace quota;
using namespace run;
using namespace schedule;
using namespace store;

namespace {

class TestClock final : public Clock {
 public:
  Now now() override { return time; }
  Now time{{1'000'000'000'000}, {1'780'000'000'000'000'000}};
};

// Answers at once; waiting is all that takes time.
class EchoTransport final : public Transport {
 public:
  explicit EchoTransport(TestClock& clock) : clock_(clock) {}
  void send(TransferId id, HttpRequest request) override {
    ++sent;
    had_key = request.key_header.has_value();
    HttpReply reply;
    reply.status = 200;
    arrived_.push_back({id, std::move(reply), {}});
  }
  void cancel(TransferId /*id*/) override {}
  std::vector<FinishedTransfer> finished() override { return std::exchange(arrived_, {}); }
  void wait(Duration longest) override {
    longest = std::max<Duration>(longest, std::chrono::milliseconds{1});
    clock_.time = {clock_.time.steady + longest, clock_.time.wall + longest};
  }

  int sent = 0;
  bool had_key = false;

 private:
  TestClock& clock_;
  std::vector<FinishedTransfer> arrived_;
};

// A stop at a time, if one is asked for.
class TimedInterrupt final : public Interrupts {
 public:
  explicit TimedInterrupt(const TestClock& clock) : clock_(clock) {}
  std::optional<event::StopRequested> take() override {
    if (!at || clock_.time.steady < *at) return std::nullopt;
    at.reset();
    return event::StopRequested{std::chrono::seconds{1}};
  }

  std::optional<Instant> at;

 private:
  const TestClock& clock_;
};

class SilentObserver final : public Observer {
 public:
  void committed(Now, const Batch& batch, const Counts&) override {
    for (const AttemptEnd& end : batch.ends) ends.push_back(end);
  }
  Duration turned(Now, const Snapshot&, const Counts&) override { return std::chrono::hours{1}; }
  void warned(Now, const std::string& message) override { warnings.push_back(message); }
  std::vector<AttemptEnd> ends;
  std::vector<std::string> warnings;
};

// Something stands in the way of files.
class BlockedFiles final : public AnswerFiles {
 public:
  Result<std::string> incoming() override { return std::string{"/in"}; }
  Result<std::vector<std::string>> keep(std::string_view id, std::size_t /*before*/,
                                        const std::vector<Asset>& assets) override {
    ++tries;
    REQUIRE(assets.size() == 1);
    const std::string path = "assets/" + std::string{id} + ".png";
    if (tries <= failures) {
      return fail(cause,
                  "cannot write " + path + " of job '" + std::string{id} + "': Is a directory");
    }
    return std::vector<std::string>{path};
  }
  void remove(const std::string& path) override { removed.push_back(path); }

  ErrorCode cause = ErrorCode::io;
  int failures = 0;
  int tries = 0;
  std::vector<std::string> removed;
};

// Every reply is a picture in a file.
class PictureDialect final : public Dialect {
 public:
  explicit PictureDialect(const Dialect& real) : real_(real) {}
  [[nodiscard]] Result<HttpRequest> request(const JobContent& content,
                                            const Endpoint& endpoint) const override {
    return real_.request(content, endpoint);
  }
  [[nodiscard]] KeyHeader key_header(const Endpoint& endpoint) const override {
    return real_.key_header(endpoint);
  }
  [[nodiscard]] Outcome read(const HttpReply& reply, const Endpoint& /*endpoint*/,
                             const AskedFor& /*asked*/) const override {
    Outcome outcome;
    outcome.kind = OutcomeClass::done;
    outcome.http_status = reply.status;
    outcome.usage.output_tokens = 9;
    outcome.answer.emplace();
    outcome.answer->assets.push_back({"", "/in/1-0", "png"});
    return outcome;
  }

 private:
  const Dialect& real_;
};

// One job, and one run over it.
struct Bench {
  Result<action::Finished> run() {
    Config config;
    ProviderSettings provider;
    provider.name = "p";
    provider.base_url = "https://p.test/v1";
    provider.keys.push_back({key_from, "key", ""});
    config.providers["p"] = provider;
    ModelSettings model;
    model.name = model.id = "m";
    model.provider = "p";
    config.models["m"] = model;
    TypeSettings type;
    type.name = "t";
    type.model = "m";
    config.types["t"] = type;
    if (data.jobs.empty()) {
      NewJob job;
      job.id = "x";
      job.type = "t";
      job.line_json = R"({"id":"x","type":"t","prompt":"Draw."})";
      data.add(job);
    }
    FakeCheckpoint checkpoint{data};
    std::vector<std::string> warnings;
    const KeyReader read_key = [](const KeySource& source) {
      return source.from == KeySource::From::none ? Secret{} : Secret{source.name};
    };
    auto catalog = make_catalog(config, data.routes, read_key, {}, warnings);
    REQUIRE(catalog.has_value());
    const PictureDialect dialect{*catalog->dialects.front()};
    catalog->dialects.front() = &dialect;
    RunStart start;
    start.pid = 1;
    start.at = clock.time.wall;
    start.workers = 1;
    start.lanes = catalog->lanes;
    start.recipes = catalog->recipes;
    auto begun = checkpoint.begin_run(start);
    REQUIRE(begun.has_value());
    DriverOptions options;
    options.scheduler.workers = 1;
    return drive(*catalog, {clock, transport, checkpoint, interrupts, observer, files}, options,
                 *begun);
  }
  [[nodiscard]] JobState state() { return data.at(JobSeq{1}).state; }

  KeySource::From key_from = KeySource::From::environment;
  FakeCheckpointData data;
  TestClock clock;
  EchoTransport transport{clock};
  TimedInterrupt interrupts{clock};
  SilentObserver observer;
  BlockedFiles files;
};

TEST_CASE("a server that asks for no key gets none") {
  for (const auto from : {KeySource::From::environment, KeySource::From::none}) {
    Bench bench;
    bench.key_from = from;
    CHECK(bench.run().has_value());
    CHECK(bench.transport.sent == 1);
    CHECK(bench.transport.had_key == (from != KeySource::From::none));
  }
}

TEST_CASE("a file that cannot be written ends the run, and its job is held, not paid again") {
  Bench bench;
  bench.files.failures = 1000;
  const auto end = bench.run();
  REQUIRE_FALSE(end.has_value());
  CHECK(end.error().code == ErrorCode::io);
  CHECK(end.error().message == "cannot write assets/x.png of job 'x': Is a directory");
  // What can be done is said at once, and what became of it in the end.
  REQUIRE(bench.observer.warnings.size() == 2);
  CHECK(bench.observer.warnings[0].find("make the assets folder writable") != std::string::npos);
  CHECK(bench.observer.warnings[1].find("is lost") != std::string::npos);
  CHECK(bench.state() == JobState::held);
  CHECK(bench.files.tries > 1);
  CHECK(bench.files.removed == std::vector<std::string>{"/in/1-0"});
  REQUIRE(bench.observer.ends.size() == 1);
  const Outcome& outcome = bench.observer.ends[0].outcome;
  CHECK(outcome.message.starts_with("cannot write assets/x.png of job 'x': Is a directory; "));
  CHECK(outcome.message.find("ratebatch retry --unknown") != std::string::npos);
  CHECK(outcome.usage.output_tokens == 9);
  // The next run does not send it.
  CHECK(bench.run().has_value());
  CHECK(bench.transport.sent == 1);
}

TEST_CASE("a file that a full disk has no room for is waited for, then held, not paid again") {
  Bench bench;
  bench.files.cause = ErrorCode::disk_full;
  bench.files.failures = 1000;
  bench.interrupts.at = bench.clock.time.steady + std::chrono::minutes{10};
  CHECK(bench.run().has_value());
  CHECK(bench.files.tries > 10);
  CHECK(bench.state() == JobState::held);
  CHECK(bench.transport.sent == 1);
}

TEST_CASE("a file that can be written before the run ends is kept, and its job done") {
  Bench bench;
  bench.files.failures = 2;
  const auto end = bench.run();
  REQUIRE_FALSE(end.has_value());
  CHECK(bench.files.tries == 3);
  CHECK(bench.state() == JobState::done);
  CHECK(bench.data.at(JobSeq{1}).files == std::vector<std::string>{"assets/x.png"});
}

}  // namespace
}  // namespace ratebatch::driver_test
