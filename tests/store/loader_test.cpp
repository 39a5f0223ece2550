// Loading jobs: all or nothing, and what becomes of ids that are there already.
#include <doctest/doctest.h>

#include "store/store_fixture.hpp"

namespace ratebatch::store_test::loader_test {

using namespace store;

namespace {

FileStamp file_stamp(const std::string& path, std::int64_t size = 10) {
  return {.path = path, .inode = 3, .size = size, .mtime_ns = 4};
}

// `job` with other content; `line` tells where it stands.
NewJob changed(NewJob job, std::int64_t line = 7) {
  job.line_json += " ";
  job.line = line;
  return job;
}

// To most tests here lines are the same job if they are the same text.
const SameContent exact = std::equal_to<std::string_view>{};

// Loads one job from /b.jsonl and commits.
Added load_one(SqliteCheckpoint& checkpoint, const NewJob& job, bool update) {
  auto loader = must(checkpoint.begin_load(exact));
  must(loader->begin_file(file_stamp("/b.jsonl")));
  const Added added = must(loader->add(job, update));
  must(loader->commit());
  return added;
}

// A store with the jobs "pending", "done", "failed" and "running" in those states.
void fill(SqliteStore& store) {
  store.load({new_job("pending"), new_job("done"), new_job("failed"), new_job("running")});
  Checkpoint& checkpoint = store.run();
  must(checkpoint.commit(
      starts({start_of(JobSeq{2}, 1), start_of(JobSeq{3}, 1), start_of(JobSeq{4}, 1)})));
  must(checkpoint.commit(
      ends({answer_of(JobSeq{2}, 1, "text"),
            end_of(JobSeq{3}, 1, JobState::failed, OutcomeClass::content_policy)})));
}

}  // namespace

TEST_CASE("a load is stored as a whole or not at all") {
  SqliteStore store;
  SqliteCheckpoint& checkpoint = store.open();
  {
    auto loader = must(checkpoint.begin_load(exact));
    must(loader->begin_file(file_stamp("/a.jsonl")));
    must(loader->add(new_job("a"), false));
    must(loader->add(new_job("b", "image"), false));
  }
  CHECK(checkpoint.counts() == Counts{});
  CHECK(must(checkpoint.routes()).empty());
  CHECK(counted(store.connection()).routes.empty());
  {
    auto loader = must(checkpoint.begin_load(exact));
    CHECK_FALSE(must(loader->stamp_of("/a.jsonl")).has_value());
    must(loader->begin_file(file_stamp("/a.jsonl")));
    must(loader->add(new_job("a"), false));
    must(loader->begin_file(file_stamp("/b.jsonl")));
    must(loader->add(new_job("b", "image"), false));
    must(loader->commit());
  }
  CHECK(checkpoint.counts().jobs().of(JobState::pending) == 2);
  CHECK(checkpoint.counts() == store.count_rows());
  CHECK(store.open().counts() == store.count_rows());
}

TEST_CASE("the same content again is nothing new") {
  SqliteStore store;
  fill(store);
  for (const char* id : {"pending", "done", "failed", "running"}) {
    const Added added = load_one(store.open(), new_job(id), true);
    CHECK(added.as == AddedAs::same);
  }
  CHECK(query(store.connection(), "SELECT count(*) FROM jobs") == 4);
}

TEST_CASE("other content of a known id is a conflict that names its first place") {
  SqliteStore store;
  fill(store);
  const Added added = load_one(store.open(), changed(new_job("pending")), false);
  CHECK(added.as == AddedAs::conflict);
  CHECK(added.first_file == "/jobs.jsonl");
  CHECK(added.first_line == 1);
  CHECK(must(store.open().job(JobSeq{1})).line_json == new_job("pending").line_json);
}

TEST_CASE("updates reach jobs that are pending or failed, and no others") {
  SqliteStore store;
  fill(store);
  const std::pair<const char*, AddedAs> rows[] = {{"pending", AddedAs::updated},
                                                  {"failed", AddedAs::updated},
                                                  {"done", AddedAs::kept},
                                                  {"running", AddedAs::kept}};
  SqliteCheckpoint& checkpoint = store.open();
  for (const auto& [id, as] : rows) {
    CAPTURE(id);
    NewJob job = changed(new_job(id));
    job.priority = 9;
    job.type = "email";
    CHECK(load_one(checkpoint, job, true).as == as);
  }
  CHECK(must(checkpoint.job(JobSeq{1})).line_json == changed(new_job("pending")).line_json);
  CHECK(must(checkpoint.job(JobSeq{2})).line_json == new_job("done").line_json);
  CHECK(store.state(JobSeq{3}) == JobState::pending);
  CHECK(store.state(JobSeq{2}) == JobState::done);
  // They moved to the route of their new type, and no failure is left.
  const Counts counts = checkpoint.counts();
  CHECK(counts.routes.at(RouteId{1}).total() == 2);
  CHECK(counts.routes.at(RouteId{2}).of(JobState::pending) == 2);
  CHECK(counts == store.count_rows());
  CHECK(query(store.connection(), "SELECT sum(jobs) FROM failure_counts") == 0);
  CHECK(query(store.connection(), "SELECT count(*) FROM results WHERE failed = 1") == 0);
  CHECK(query(store.connection(), "SELECT min(priority) FROM states WHERE route_id = 2") == 9);
  CHECK(query(store.connection(), "SELECT line FROM jobs WHERE seq = 1") == 7);
}

TEST_CASE("an id twice in one load is a conflict unless its content is the same") {
  SqliteStore store;
  store.load({new_job("old")});
  for (const bool update : {false, true}) {
    CAPTURE(update);
    auto loader = must(store.open().begin_load(exact));
    must(loader->begin_file(file_stamp("/c.jsonl")));
    NewJob job = new_job("new");
    job.line = 2;
    CHECK(must(loader->add(job, update)).as == AddedAs::added);
    CHECK(must(loader->add(new_job("new"), update)).as == AddedAs::same);
    const Added added = must(loader->add(changed(job), update));
    CHECK(added.as == AddedAs::conflict);
    CHECK(added.first_file == "/c.jsonl");
    CHECK(added.first_line == 2);
  }
  auto loader = must(store.open().begin_load(exact));
  must(loader->begin_file(file_stamp("/c.jsonl")));
  CHECK(must(loader->add(changed(new_job("old")), true)).as == AddedAs::updated);
  CHECK(must(loader->add(new_job("old"), true)).as == AddedAs::conflict);
}

TEST_CASE("lines of other text may be the same job, and the first text stays") {
  SqliteStore store;
  store.load({new_job("a")});
  const auto any = [](std::string_view, std::string_view) { return true; };
  {
    auto loader = must(store.open().begin_load(any));
    must(loader->begin_file(file_stamp("/b.jsonl")));
    CHECK(must(loader->add(changed(new_job("a")), true)).as == AddedAs::same);
    must(loader->commit());
  }
  CHECK(must(store.open().job(JobSeq{1})).line_json == new_job("a").line_json);
}

TEST_CASE("a line that stands where it stood is known without being read as a job") {
  const auto text = [](int i) { return new_job("job-" + std::to_string(i)).line_json; };
  const auto add = [&](JobLoader& loader, int from, int to) {
    for (int i = from; i <= to; ++i) {
      NewJob job = new_job("job-" + std::to_string(i));
      job.line = i;
      must(loader.add(job, false));
    }
  };
  SqliteStore store;
  {
    auto loader = must(store.open().begin_load(exact));
    must(loader->begin_file(file_stamp("/a.jsonl")));
    CHECK_FALSE(must(loader->is_stored(1, text(1))));
    add(*loader, 1, 3);
    must(loader->begin_file(file_stamp("/b.jsonl")));
    add(*loader, 11, 12);
    must(loader->commit());
  }
  {
    // The file has grown; what another file brought lies between.
    auto loader = must(store.open().begin_load(exact));
    must(loader->begin_file(file_stamp("/a.jsonl", 20)));
    for (int i = 1; i <= 3; ++i) CHECK(must(loader->is_stored(i, text(i))));
    CHECK_FALSE(must(loader->is_stored(4, text(4))));
    add(*loader, 4, 5);
    must(loader->commit());
  }
  auto loader = must(store.open().begin_load(exact));
  must(loader->begin_file(file_stamp("/a.jsonl", 30)));
  CHECK(must(loader->is_stored(1, text(1))));
  CHECK_FALSE(must(loader->is_stored(2, text(1))));
  CHECK_FALSE(must(loader->is_stored(3, text(3) + " ")));
  add(*loader, 6, 6);
  CHECK(must(loader->is_stored(4, text(4))));
  CHECK(must(loader->is_stored(5, text(5))));
  CHECK_FALSE(must(loader->is_stored(6, text(6))));
  must(loader->begin_file(file_stamp("/c.jsonl")));
  CHECK_FALSE(must(loader->is_stored(1, text(1))));
  must(loader->begin_file(file_stamp("/b.jsonl", 20)));
  CHECK(must(loader->is_stored(11, text(11))));
}

TEST_CASE("a line that was taken over in this load is not known where it stood before") {
  SqliteStore store;
  const auto at_line = [](const std::string& id, std::int64_t line) {
    NewJob job = new_job(id);
    job.line = line;
    return job;
  };
  {
    auto loader = must(store.open().begin_load(exact));
    must(loader->begin_file(file_stamp("/a.jsonl")));
    must(loader->add(at_line("first", 1), false));
    must(loader->add(at_line("moved", 3), false));
    must(loader->commit());
  }
  auto loader = must(store.open().begin_load(exact));
  must(loader->begin_file(file_stamp("/a.jsonl", 20)));
  CHECK_FALSE(must(loader->is_stored(2, "other")));
  CHECK(must(loader->add(changed(at_line("moved", 2)), true)).as == AddedAs::updated);
  CHECK_FALSE(must(loader->is_stored(3, at_line("moved", 3).line_json)));
  CHECK(must(loader->add(at_line("moved", 3), true)).as == AddedAs::conflict);
}

TEST_CASE("files are remembered as they were when they were loaded") {
  SqliteStore store;
  SqliteCheckpoint& checkpoint = store.open();
  {
    auto loader = must(checkpoint.begin_load(exact));
    must(loader->begin_file(file_stamp("/a.jsonl")));
    must(loader->begin_file(file_stamp("-")));
    must(loader->commit());
  }
  {
    auto loader = must(checkpoint.begin_load(exact));
    CHECK(must(loader->stamp_of("/a.jsonl")) == file_stamp("/a.jsonl"));
    CHECK_FALSE(must(loader->stamp_of("/b.jsonl")).has_value());
    CHECK_FALSE(must(loader->stamp_of("-")).has_value());
    must(loader->begin_file(file_stamp("/a.jsonl", 99)));
  }
  auto loader = must(checkpoint.begin_load(exact));
  CHECK(must(loader->stamp_of("/a.jsonl"))->size == 10);
  must(loader->begin_file(file_stamp("/a.jsonl", 99)));
  must(loader->commit());
  loader = must(checkpoint.begin_load(exact));
  CHECK(must(loader->stamp_of("/a.jsonl"))->size == 99);
}

TEST_CASE("a load that finds no room leaves nothing and may be repeated") {
  SqliteStore store;
  store.load({new_job("a")});
  SqliteCheckpoint& checkpoint = store.open();
  const Counts before = checkpoint.counts();
  const auto load_many = [&]() -> Result<void> {
    auto loader = must(checkpoint.begin_load(exact));
    must(loader->begin_file(file_stamp("/big.jsonl")));
    for (int i = 0; i < 100; ++i) {
      NewJob job = new_job("big-" + std::to_string(i), "image");
      job.line_json += std::string(2000, ' ');
      auto added = loader->add(job, false);
      if (!added) return pass(added);
    }
    return loader->commit();
  };
  store.fill_disk();
  const auto refused = load_many();
  store.free_disk();
  REQUIRE_FALSE(refused.has_value());
  CHECK(refused.error().code == ErrorCode::disk_full);
  CHECK(checkpoint.counts() == before);
  CHECK(checkpoint.counts() == store.count_rows());
  must(load_many());
  CHECK(checkpoint.counts().jobs().total() == 101);
  CHECK(checkpoint.counts() == store.count_rows());
}

}  // namespace ratebatch::store_test::loader_test
