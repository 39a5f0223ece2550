// The format: constraints, migrations, and the index that a page needs.
#include <doctest/doctest.h>

#include <array>

#include "store/sqlite_schema.hpp"
#include "store/store_fixture.hpp"

namespace ratebatch::store_test::schema_test {

using namespace store;

namespace {

bool is_accepted(Connection& connection, const std::string& sql) {
  return connection.execute("try", sql.c_str()).has_value();
}

std::string plan_of(Connection& connection, const std::string& sql) {
  std::string plan;
  must(connection.rows("explain", "EXPLAIN QUERY PLAN " + sql,
                       [&](const Statement& row) { plan += row.text(3) + "\n"; }));
  return plan;
}

Result<void> migrate_to(Connection& connection, std::span<const char* const> steps) {
  auto transaction = must(Transaction::begin_write(connection));
  auto done = migrate(connection, "x.db", steps);
  if (done) done = transaction.commit();
  return done;
}

}  // namespace

TEST_CASE("the database refuses states that break the rules of a job") {
  SqliteStore store;
  store.load({new_job("pending"), new_job("running"), new_job("done")});
  Checkpoint& checkpoint = store.run();
  must(checkpoint.commit(starts({start_of(JobSeq{2}, 1), start_of(JobSeq{3}, 1)})));
  must(checkpoint.commit(ends({answer_of(JobSeq{3}, 1, "text")})));
  Connection& connection = store.connection();

  const auto set = [&](int seq, const std::string& what) {
    return is_accepted(connection,
                       "UPDATE states SET " + what + " WHERE seq = " + std::to_string(seq));
  };
  CHECK(set(1, "state = 7"));
  CHECK(set(1, "state = 0, ready_at_ms = 5"));
  CHECK_FALSE(set(1, "state = 8"));
  CHECK_FALSE(set(1, "state = -1"));
  CHECK_FALSE(set(1, "state = 'done'"));
  CHECK_FALSE(set(1, "state = NULL"));
  CHECK_FALSE(set(1, "state = 1, attempts = 1"));
  CHECK_FALSE(set(1, "started_at_ms = 1"));
  CHECK_FALSE(set(1, "lane_id = 1"));
  CHECK_FALSE(set(1, "key_id = 1"));
  CHECK_FALSE(set(1, "state = 5, attempts = 1"));
  CHECK_FALSE(set(1, "state = 5, finished_at_ms = 1"));
  CHECK_FALSE(set(1, "state = 6, attempts = 1"));
  CHECK_FALSE(set(1, "finished_at_ms = 1"));
  CHECK_FALSE(set(1, "truncated = 1"));
  CHECK_FALSE(set(1, "attempts = -1"));
  CHECK_FALSE(set(2, "state = 3"));
  CHECK_FALSE(set(2, "ready_at_ms = 5"));
  CHECK_FALSE(set(2, "started_at_ms = NULL"));
  CHECK_FALSE(set(3, "state = 0"));
  CHECK_FALSE(set(3, "truncated = 2"));
  CHECK(set(3, "truncated = 1"));
  CHECK(set(3, "state = 6, truncated = 0"));

  CHECK_FALSE(is_accepted(connection, "UPDATE state_counts SET jobs = jobs - 100"));
  CHECK_FALSE(is_accepted(connection, "UPDATE call_counts SET resent = sent + 1"));
  CHECK_FALSE(is_accepted(connection, "INSERT INTO call_counts VALUES (2, 0, 0, 0, 0, 0, 0, 0)"));
  CHECK_FALSE(is_accepted(connection, "UPDATE results SET record = NULL"));
  CHECK_FALSE(is_accepted(connection, "UPDATE results SET seq = 'x'"));
}

TEST_CASE("a job id has 1 to 256 bytes") {
  SqliteStore store;
  store.load({new_job("a")});
  const auto id = [&](const std::string& text) {
    return is_accepted(store.connection(), "UPDATE jobs SET id = '" + text + "'");
  };
  CHECK_FALSE(id(""));
  CHECK(id(std::string(256, 'x')));
  CHECK_FALSE(id(std::string(257, 'x')));
  std::string umlauts;
  for (int i = 0; i < 129; ++i) umlauts += "\xC3\xA4";
  CHECK_FALSE(id(umlauts));
}

TEST_CASE("a page is read by the index of startable jobs, without sorting") {
  SqliteStore store;
  store.load({new_job("a")});
  CHECK(query(store.connection(),
              "SELECT partial FROM pragma_index_list('states') WHERE name = 'startable'") == 1);
  for (const char* condition :
       {"priority = 0 AND seq > 5 ORDER BY seq", "priority <= 7 ORDER BY priority DESC, seq"}) {
    const std::string plan = plan_of(
        store.connection(), std::string("SELECT seq, priority, state, attempts, retries_used,"
                                        " ready_at_ms FROM states WHERE route_id = 1"
                                        " AND state IN (0, 3) AND ") +
                                condition + " LIMIT 64");
    CAPTURE(plan);
    CHECK(plan.find("USING INDEX startable") != std::string::npos);
    CHECK(plan.find("TEMP B-TREE") == std::string::npos);
  }
}

TEST_CASE("the log is written ahead and synced in full") {
  SqliteStore store;
  store.load({new_job("a")});
  Connection& connection = store.connection();
  std::string mode;
  must(connection.rows("ask", "PRAGMA journal_mode",
                       [&](const Statement& row) { mode = row.text(0); }));
  CHECK(mode == "wal");
  CHECK(query(connection, "PRAGMA synchronous") == 2);
  CHECK(query(connection, "PRAGMA journal_size_limit") == 16 << 20);
  CHECK(query(connection, "PRAGMA temp_store") == 2);
  CHECK(query(connection, "PRAGMA busy_timeout") == 5000);
  CHECK(query(connection, "PRAGMA trusted_schema") == 0);
  CHECK_FALSE(is_accepted(connection, "PRAGMA writable_schema = ON; DELETE FROM sqlite_schema"));
}

TEST_CASE("migrations run in order, once, and all or none") {
  const TempDir folder;
  const std::string path = folder.file("x.db");
  write_file(path, "");
  auto connection = must(Connection::open(path, Connection::Access::read_write));
  constexpr std::array<const char*, 3> steps = {
      "CREATE TABLE t (a INTEGER) STRICT; INSERT INTO t VALUES (1)",
      "ALTER TABLE t ADD COLUMN b INTEGER; UPDATE t SET b = a + 1",
      "UPDATE t SET b = b * 10; UPDATE no_such_table SET b = 1"};
  const std::span<const char* const> all(steps);
  CHECK(must(format_of(connection, path, 3)) == 0);
  must(migrate_to(connection, all.first(1)));
  CHECK(query(connection, "PRAGMA user_version") == 1);
  must(migrate_to(connection, all.first(2)));
  must(migrate_to(connection, all.first(2)));
  CHECK(query(connection, "PRAGMA user_version") == 2);
  CHECK(query(connection, "SELECT b FROM t") == 2);

  CHECK_FALSE(migrate_to(connection, all).has_value());
  CHECK(query(connection, "PRAGMA user_version") == 2);
  CHECK(query(connection, "SELECT b FROM t") == 2);

  const auto older = migrate_to(connection, all.first(1));
  REQUIRE_FALSE(older.has_value());
  CHECK(older.error().code == ErrorCode::foreign);
}

TEST_CASE("results of the first format become the lines that are printed") {
  const TempDir folder;
  const std::string path = folder.file("x.db");
  write_file(path, "");
  {
    auto connection = must(Connection::open(path, Connection::Access::read_write));
    must(migrate_to(connection, migrations().first(1)));
    must(connection.execute(
        "fill",
        "INSERT INTO meta VALUES ('sandbox', '1');"
        "INSERT INTO files VALUES (1, '/a.jsonl', 0, 0, 0);"
        "INSERT INTO routes VALUES (1, '', ''), (2, 'bio', '');"
        "INSERT INTO lanes VALUES (1, 'gpt', 'openai', 0, 'idle', '', NULL);"
        "INSERT INTO keys VALUES (1, 'KEY');"
        "INSERT INTO jobs SELECT value, 'job-' || value, 1, value, 1,"
        " iif(value = 1, '{\"id\":\"\u00E4\",\"metadata\":{\"lead\":1}}', '{}')"
        " FROM json_each('[1,2,3,4,5]');"
        "INSERT INTO states (seq, route_id, priority, state, attempts, finished_at_ms)"
        " SELECT seq, 1 + (seq = 1), 0, iif(seq IN (3, 4), 6, 5), 2, 0 FROM jobs;"
        "INSERT INTO attempts SELECT seq, 2, 1, 1, 0, 1, iif(seq IN (3, 4), 'timeout', 'done'), 0, "
        "1, 0,"
        " 0, 0, 0, '', 'too \"slow\"' FROM jobs;"
        "INSERT INTO results VALUES"
        " (1, 1, 2, 0, NULL, 1700000000123, 5, 3, 0, 0, 'stop', NULL, NULL, 'a \"b\"'),"
        " (2, 2, 2, 0, NULL, 1700000000000, 5, 0, 0, 1, '', '[\"x.png\"]',"
        " '{\"d\":[1], \"none\":null}', ''),"
        " (3, 3, 2, 1, NULL, 1700000000000, 5, 0, 0, 0, '', NULL, NULL, NULL),"
        " (4, 4, 2, 1, NULL, 1700000000000, 5, 0, 0, 0, '', NULL, NULL, 'older'),"
        " (5, 5, 2, 0, NULL, 1700000000000, 5, 0, 0, 0, '', NULL, 'no JSON', '');"));
  }
  must(SqliteCheckpoint::open(path, OpenMode::must_exist, {}));
  const auto reader = must(CheckpointReader::open(path));
  const std::string end = R"("attempts":2,"finished_at":"2023-11-14T22:13:20.)";
  CHECK(result_lines(*reader, ResultOrder::finishing) ==
        std::vector<std::string>{
            R"({"id":"job-1","type":"bio","status":"done","model":"gpt","text":"a \"b\"",)"
            R"("finish_reason":"stop","usage":{"input_tokens":3},)" +
                end + R"(123Z","sandbox":true,"metadata":{"lead":1}})",
            R"({"id":"job-2","status":"done","model":"gpt","files":["x.png"],)"
            R"("body":{"d":[1],"none":null},"usage":{"images":1},)" +
                end + R"(000Z","sandbox":true})",
            R"({"id":"job-3","status":"failed","model":"gpt",)" + end +
                R"(000Z","error":{"class":"timeout","message":"too \"slow\""},"sandbox":true})",
            R"({"id":"job-4","status":"failed","model":"gpt",)" + end +
                R"(000Z","error":{"class":"timeout","message":"too \"slow\""},"sandbox":true})",
            R"({"id":"job-5","status":"done","model":"gpt","body":"no JSON",)" + end +
                R"(000Z","sandbox":true})"});
  auto connection = must(Connection::open(path, Connection::Access::read_only));
  CHECK(query(connection, "SELECT record ->> '$.text' = 'older' FROM results WHERE seq = 4") == 1);
  CHECK(query(connection, "SELECT first_seq FROM files") == 1);
}

TEST_CASE("jobs of the second format know the size of their lines, and money begins at nothing") {
  const TempDir folder;
  const std::string path = folder.file("x.db");
  write_file(path, "");
  {
    auto connection = must(Connection::open(path, Connection::Access::read_write));
    must(migrate_to(connection, migrations().first(2)));
    must(connection.execute(
        "fill",
        "INSERT INTO files (id, path, inode, size, mtime_ns) VALUES (1, '/a.jsonl', 0, 0, 0);"
        "INSERT INTO routes VALUES (1, 'bio', '');"
        "INSERT INTO limits VALUES ('lane gpt', 'rpm', 1790000000000000000);"
        "INSERT INTO jobs (seq, id, file_id, line, load, line_json) VALUES"
        " (1, 'a', 1, 1, 1, '{\"id\":\"a\",\"x\":\"\u00E4\"}'),"
        " (2, 'b', 1, 2, 1, '{\"id\":\"b\",\"body\":{\"n\":1}}'),"
        " (3, 'c', 1, 3, 1, '{\"id\":\"c\"}'), (4, 'd', 1, 4, 1, '{\"id\":\"d\"}');"
        "INSERT INTO states (seq, route_id, priority, state, attempts, finished_at_ms) VALUES"
        " (1, 1, 0, 0, 0, NULL), (2, 1, 5, 3, 1, NULL), (3, 1, 0, 6, 1, 9), (4, 1, 0, 5, 1, 9);"
        "INSERT INTO state_counts VALUES (1, 0, 1), (1, 3, 1), (1, 6, 1), (1, 5, 1);"
        "INSERT INTO route_totals VALUES (1, 0, 1, 0, 0);"
        "UPDATE call_counts SET sent = 3, input_tokens = 77;"));
  }
  auto checkpoint = must(SqliteCheckpoint::open(path, OpenMode::must_exist, {}));
  CHECK(checkpoint->counts().calls.input_tokens == 77);
  CHECK(checkpoint->counts().calls.cost_pico_usd == 0);
  const RunBegun begun = must(checkpoint->begin_run(run_start()));
  CHECK(begun.states.empty());
  const auto page = must(checkpoint->load_page(RouteId{1}, {}, 10));
  REQUIRE(page.size() == 2);
  CHECK(page[0].seq == JobSeq{2});
  CHECK(page[0].size == JobSize{25, std::nullopt, 0, true});
  // Bytes, not characters.
  CHECK(page[1].size == JobSize{19, std::nullopt, 0, false});
  Batch batch = starts({start_of(JobSeq{1}, 1)});
  batch.states = {{"lane gpt, keys default", "rpm", "1 2"}};
  must(checkpoint->commit(batch));
  Connection& connection = SqliteCheckpointProbe::connection(*checkpoint);
  CHECK(query(connection, "SELECT count(*) FROM sqlite_schema WHERE name = 'limits'") == 0);
  CHECK(query(connection, "SELECT count(*) FROM remembered") == 1);
  CHECK(query(connection, "PRAGMA user_version") == std::ssize(migrations()));
}

TEST_CASE("routes of the third format have the recipe of their latest answer") {
  const TempDir folder;
  const std::string path = folder.file("x.db");
  write_file(path, "");
  {
    auto connection = must(Connection::open(path, Connection::Access::read_write));
    must(migrate_to(connection, migrations().first(3)));
    must(connection.execute(
        "fill",
        "INSERT INTO files (id, path, inode, size, mtime_ns) VALUES (1, '/a.jsonl', 0, 0, 0);"
        "INSERT INTO routes VALUES (1, 'bio', ''), (2, 'email', '');"
        "INSERT INTO recipes VALUES (1, 'old', '{}', 1), (2, 'new', '{}', 1);"
        "INSERT INTO jobs (seq, id, file_id, line, load, line_json) VALUES"
        " (1, 'a', 1, 1, 1, '{}'), (2, 'b', 1, 2, 1, '{}'), (3, 'c', 1, 3, 1, '{}');"
        "INSERT INTO states (seq, route_id, priority, state, attempts, finished_at_ms) VALUES"
        " (1, 1, 0, 5, 1, 9), (2, 1, 0, 5, 1, 9), (3, 2, 0, 0, 0, NULL);"
        "INSERT INTO state_counts VALUES (1, 5, 2), (2, 0, 1);"
        "INSERT INTO results (id, seq, attempt, failed, recipe_id, finished_ms, latency_ms, record)"
        " VALUES (1, 1, 1, 0, 1, 9, 1, '{\"id\":\"a\"}'), (2, 2, 1, 0, 2, 9, 1, '{}');"));
  }
  auto checkpoint = must(SqliteCheckpoint::open(path, OpenMode::must_exist, {}));
  Connection& connection = SqliteCheckpointProbe::connection(*checkpoint);
  CHECK(query(connection, "SELECT recipe_id FROM routes WHERE id = 1") == 2);
  CHECK(query(connection, "SELECT recipe_id IS NULL FROM routes WHERE id = 2") == 1);
  CHECK(query(connection, "SELECT sum(rejections) FROM states") == 0);
  const auto reader = must(CheckpointReader::open(path));
  CHECK(must(reader->status()).changed == 1);
  CHECK(result_lines(*reader, ResultOrder::finishing) ==
        std::vector<std::string>{R"({"id":"a"})", "{}"});
}

TEST_CASE("what is remembered has a value, and sizes are what they can be") {
  SqliteStore store;
  store.load({new_job("a")});
  Connection& connection = store.connection();
  CHECK(is_accepted(connection, "INSERT INTO remembered VALUES ('s', 'i', 'v')"));
  CHECK_FALSE(is_accepted(connection, "INSERT INTO remembered VALUES ('s', 'i', 'w')"));
  CHECK_FALSE(is_accepted(connection, "INSERT INTO remembered VALUES ('s', 'j', '')"));
  for (const char* what : {"input_bytes = -1", "output_max = -1", "images = -1", "raw_body = 2"}) {
    CAPTURE(what);
    CHECK_FALSE(is_accepted(connection, std::string{"UPDATE states SET "} + what));
  }
  CHECK_FALSE(is_accepted(connection, "UPDATE call_counts SET cost_pico_usd = -1"));
}

TEST_CASE("messages name the database, the operation and what SQLite says") {
  const TempDir folder;
  const std::string path = folder.file("x.db");
  write_file(path, "");
  auto connection = must(Connection::open(path, Connection::Access::read_write));
  const auto failed = connection.execute("count sheep", "SELECT * FROM nowhere");
  REQUIRE_FALSE(failed.has_value());
  CHECK(failed.error().code == ErrorCode::io);
  CHECK(failed.error().message ==
        "cannot count sheep in " + path + ": no such table: nowhere (SQLite error 1)");
}

TEST_CASE("a transaction that is not committed leaves nothing, and text may hold any byte") {
  const TempDir folder;
  const std::string path = folder.file("x.db");
  write_file(path, "");
  auto connection = must(Connection::open(path, Connection::Access::read_write));
  must(connection.execute("make", "CREATE TABLE t (a TEXT)"));
  {
    auto transaction = must(Transaction::begin_write(connection));
    must(connection.execute("add", "INSERT INTO t VALUES ('x')"));
  }
  CHECK(query(connection, "SELECT count(*) FROM t") == 0);
  const std::string odd("a\0b\xFF", 4);
  Statement add(connection, "add", "INSERT INTO t VALUES (?1)");
  must(add.run(odd));
  must(add.run(std::string_view{}));
  must(add.run(std::optional<std::string_view>{}));
  std::vector<std::string> texts;
  must(connection.rows("read", "SELECT a FROM t WHERE a IS NOT NULL ORDER BY rowid",
                       [&](const Statement& row) { texts.push_back(row.text(0)); }));
  CHECK(texts == std::vector<std::string>{odd, ""});
}

}  // namespace ratebatch::store_test::schema_test
