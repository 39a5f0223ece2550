// Random histories: the store in memory and the one in SQLite must agree after every step, and the
// counters with the rows they count. And what a full disk does to a real file.
#include <doctest/doctest.h>
#include <sched.h>
#include <sys/mount.h>
#include <unistd.h>

#include <filesystem>

#include "ratebatch/base/random.hpp"
#include "store/store_fixture.hpp"

namespace ratebatch::store_test::history_test {

using namespace store;

namespace {

constexpr std::int64_t job_count = 24;

// Draws batches that a scheduler could send.
class History {
 public:
  explicit History(std::uint64_t seed) : rng_(seed) {
    for (std::int64_t i = 0; i < job_count; ++i) {
      const auto n = std::to_string(i);
      jobs_.push_back(new_job("job-" + n, rng_.chance(500) ? "bio" : "image", rng_.between(-2, 2)));
    }
  }

  [[nodiscard]] const std::vector<NewJob>& jobs() const { return jobs_; }

  // The next batch, from what the store says of its jobs.
  Batch next(FakeStore& store, Checkpoint& checkpoint) {
    ++step_;
    Batch batch;
    for (std::int64_t i = 1; i <= job_count; ++i) {
      const JobSeq job{i};
      const auto attempts = static_cast<std::int32_t>(store.ended_count(job));
      if (store.state(job) == JobState::running && rng_.chance(400)) {
        batch.ends.push_back(draw_end(job, attempts + 1));
      }
      if (store.state(job) == JobState::fetching && rng_.chance(400)) {
        constexpr JobState ways[] = {JobState::fetching, JobState::done, JobState::failed};
        batch.fetches.push_back(fetch_end_of(job, attempts, ways[rng_.below(std::size(ways))],
                                             store.fetch_tries(job) + 1, step_));
      }
    }
    for (const RouteId route : {RouteId{1}, RouteId{2}}) {
      for (const JobRef& job : must(checkpoint.load_page(route, {}, rng_.below(4)))) {
        AttemptStart start =
            start_of(job.seq, static_cast<std::int32_t>(job.attempts) + 1, job.state, step_);
        start.lane = LaneId{static_cast<std::int32_t>(rng_.below(2))};
        start.key = KeyId{static_cast<std::int32_t>(rng_.below(2))};
        batch.starts.push_back(start);
      }
    }
    if (rng_.chance(300)) {
      batch.states.push_back({"lane x", "rpm", rng_.chance(300) ? "" : std::to_string(step_)});
    }
    for (std::int64_t i = 1; i <= job_count; ++i) {
      if (store.state(JobSeq{i}) == JobState::failed && rng_.chance(100)) {
        batch.reopened.push_back(JobSeq{i});
      }
    }
    return batch;
  }

  Rng& rng() { return rng_; }

 private:
  AttemptEnd draw_end(JobSeq job, std::int32_t attempt) {
    AttemptEnd end = answer_of(job, attempt, "text " + std::to_string(step_), step_);
    end.outcome.answer->truncated = rng_.chance(300);
    end.outcome.usage = {rng_.between(0, 50), rng_.between(0, 50), rng_.between(0, 2), 0};
    end.cost_pico_usd = rng_.between(0, 1'000'000);
    switch (rng_.below(8)) {
      case 0:
        end.to = JobState::failed;
        end.outcome.kind = OutcomeClass::content_policy;
        break;
      case 1:
        end.to = JobState::pending;
        end.outcome.kind = OutcomeClass::rate_limited;
        if (rng_.chance(500)) end.ready_at = second(step_ + 60);
        break;
      case 2:
        end.to = JobState::unknown;
        end.outcome.kind = OutcomeClass::unknown;
        break;
      case 3:
        end.to = JobState::pending;
        end.outcome.kind = OutcomeClass::server_error;
        end.retries_used = 1;
        break;
      case 4:
        end.to = JobState::pending;
        end.outcome.kind = OutcomeClass::not_accepted;
        end.rejections = 1;
        break;
      case 5:
        end.to = JobState::fetching;
        end.outcome.answer->links = {"https://files.test/a"};
        break;
      default:
        break;
    }
    return end;
  }

  Rng rng_;
  std::vector<NewJob> jobs_;
  std::int64_t step_ = 0;
};

void compare(FakeStore& fake, SqliteStore& sqlite, Checkpoint& in_memory, Checkpoint& on_disk) {
  REQUIRE(in_memory.counts() == on_disk.counts());
  REQUIRE(on_disk.counts() == sqlite.count_rows());
  for (std::int64_t i = 1; i <= job_count; ++i) {
    CAPTURE(i);
    REQUIRE(fake.state(JobSeq{i}) == sqlite.state(JobSeq{i}));
    REQUIRE(fake.ended_count(JobSeq{i}) == sqlite.ended_count(JobSeq{i}));
    REQUIRE(fake.text(JobSeq{i}) == sqlite.text(JobSeq{i}));
  }
  const std::int64_t failed = query(sqlite.connection(), "SELECT total(jobs) FROM failure_counts");
  REQUIRE(failed == on_disk.counts().jobs().of(JobState::failed));
}

// A file system of `size` of our own below `folder`, gone with the process. Needs user namespaces
// or root; false where neither is to be had.
bool mount_small_disk(const std::string& folder, const char* size) {
  const int spaces = ::getuid() == 0 ? CLONE_NEWNS : CLONE_NEWNS | CLONE_NEWUSER;
  const std::string uids = "0 " + std::to_string(::getuid()) + " 1";
  const std::string gids = "0 " + std::to_string(::getgid()) + " 1";
  if (::unshare(spaces) != 0) return false;
  if ((spaces & CLONE_NEWUSER) != 0) {
    write_file("/proc/self/uid_map", uids);
    write_file("/proc/self/setgroups", "deny");
    write_file("/proc/self/gid_map", gids);
  }
  if (::mount("none", "/", nullptr, MS_REC | MS_PRIVATE, nullptr) != 0) return false;
  return ::mount("tmpfs", folder.c_str(), "tmpfs", 0, size) == 0;
}

constexpr int no_small_disk = 77;

// Stores answers until the disk is full, makes room, and goes on. Returns 0 if all is well.
int fill_small_disk(const std::string& folder) {
  if (!mount_small_disk(folder, "size=700k")) return no_small_disk;
  const std::string path = folder + "/ratebatch.db";
  const std::string ballast = folder + "/ballast";
  auto checkpoint = must(SqliteCheckpoint::open(path, OpenMode::create_or_open, {}));
  constexpr std::int64_t count = 200;
  {
    auto loader = must(checkpoint->begin_load(std::equal_to<std::string_view>{}));
    must(loader->begin_file({.path = "/a.jsonl"}));
    for (std::int64_t i = 0; i < count; ++i) {
      must(loader->add(new_job("job-" + std::to_string(i)), false));
    }
    must(loader->commit());
  }
  must(checkpoint->begin_run(run_start()));
  write_file(ballast, std::string(100'000, 'x'));
  bool was_full = false;
  for (std::int64_t i = 1; i <= count; ++i) {
    for (const Batch& batch : {starts({start_of(JobSeq{i}, 1)}),
                               ends({answer_of(JobSeq{i}, 1, std::string(8000, 'x'))})}) {
      const Counts before = checkpoint->counts();
      const auto done = checkpoint->commit(batch);
      if (done) continue;
      if (done.error().code != ErrorCode::disk_full) return 1;
      if (!(checkpoint->counts() == before)) return 2;
      ::unlink(ballast.c_str());
      must(checkpoint->commit(batch));
      was_full = true;
    }
    if (checkpoint->counts().jobs().of(JobState::done) != i) return 3;
    if (!(counted(SqliteCheckpointProbe::connection(*checkpoint)) == checkpoint->counts())) {
      return 4;
    }
    if (!was_full) continue;
    // The main file is behind its log now, and there may be no room to copy the log into it.
    checkpoint.reset();
    checkpoint = must(SqliteCheckpoint::open(path, OpenMode::must_exist, {}));
    return checkpoint->counts().jobs().of(JobState::done) == i ? 0 : 5;
  }
  return 6;
}

// Tries to make a database where it does not fit.
int make_on_tiny_disk(const std::string& folder) {
  if (!mount_small_disk(folder, "size=24k")) return no_small_disk;
  const auto made = SqliteCheckpoint::open(folder + "/x.db", OpenMode::create_or_open, {});
  if (made) return 1;
  if (made.error().code != ErrorCode::disk_full) return 2;
  return std::filesystem::is_empty(folder) ? 0 : 3;
}

}  // namespace

TEST_CASE("the store in memory and the one in SQLite agree on random histories") {
  for (std::uint64_t seed = 1; seed <= 8; ++seed) {
    CAPTURE(seed);
    History history(seed);
    FakeStore fake;
    SqliteStore sqlite;
    fake.load(history.jobs());
    sqlite.load(history.jobs());
    Checkpoint* in_memory = &fake.run();
    Checkpoint* on_disk = &sqlite.run();
    for (int step = 0; step < 40; ++step) {
      CAPTURE(step);
      const Batch batch = history.next(fake, *in_memory);
      must(in_memory->commit(batch));
      must(on_disk->commit(batch));
      if (history.rng().chance(200)) must(on_disk->commit(batch));
      if (history.rng().chance(100)) {
        const auto policy = history.rng().chance(200) ? UnknownPolicy::hold : UnknownPolicy::retry;
        in_memory = &fake.run(policy);
        on_disk = &sqlite.run(policy);
      }
      compare(fake, sqlite, *in_memory, *on_disk);
    }
  }
}

TEST_CASE("a disk that is full at the commit loses nothing, and the run goes on with room") {
  const TempDir folder;
  const int outcome = in_child([&] { return fill_small_disk(folder.path()); });
  if (outcome == no_small_disk) MESSAGE("skipped: no file system can be mounted here");
  if (outcome != no_small_disk) CHECK(outcome == 0);
}

TEST_CASE("a database that cannot be made leaves nothing") {
  const TempDir folder;
  const int outcome = in_child([&] { return make_on_tiny_disk(folder.path()); });
  if (outcome == no_small_disk) MESSAGE("skipped: no file system can be mounted here");
  if (outcome != no_small_disk) CHECK(outcome == 0);
}

}  // namespace ratebatch::store_test::history_test
