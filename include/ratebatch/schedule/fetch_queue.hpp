// The jobs whose answer is paid and stored, and announced files that are still to be downloaded.
//
// A download costs nothing and holds no worker: it has a place of its own, so that a slow file host
// and the API do not keep each other waiting. It is tried for some minutes, for what it brings is
// paid, and where no host can be reached at all, for as long as the answer is not a day old: that
// may be our own outage; but no run stays for that alone. Where the server says that there is no
// such file, it is asked twice more; where our own rules forbid the link, the job fails at once.
// Memory is bounded by `fetching_jobs_max` per lane, which starts nothing more while so many of its
// jobs are here: answers that nobody can fetch are better not bought.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <set>
#include <utility>
#include <vector>

#include "ratebatch/base/random.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/model/batch.hpp"
#include "ratebatch/model/config.hpp"
#include "ratebatch/model/job.hpp"
#include "ratebatch/model/lanes.hpp"
#include "ratebatch/model/protocol.hpp"

namespace ratebatch::schedule {

// Twelve tries in about twelve minutes. Links live for an hour (OpenAI: "URLs are only valid for 60
// minutes"), and an outage of the file host must not cost what was paid.
constexpr RetryRule fetch_rule{11, std::chrono::milliseconds{500}, std::chrono::minutes{4},
                               Growth::doubling};
// Three tries in about a minute where a server refuses the file or has none: what was made a moment
// ago may not be everywhere yet.
constexpr RetryRule refused_fetch_rule{2, std::chrono::seconds{20}, std::chrono::seconds{40},
                                       Growth::doubling};
// Of an answer: until then, tries that reached nobody are not counted. No provider's links live
// longer.
constexpr Duration fetch_age_max = std::chrono::hours{24};
// Who waits for nothing but downloads waits so long for a next try.
constexpr Duration fetch_pause_max = std::chrono::minutes{1};
// A server's own wait is obeyed up to this.
constexpr Duration fetch_wait_max = std::chrono::minutes{5};
constexpr std::int32_t fetch_jitter_per_mille = 100;

constexpr std::size_t fetching_jobs_max = 256;

class FetchQueue {
 public:
  // At most `under_way_max` downloads at a time. Precondition: it is above zero.
  explicit FetchQueue(std::size_t under_way_max);

  // A job whose links are stored; to be fetched from `ready` on. `lane`: where its answer came
  // from, if that lane is still served.
  void add(const FetchingJob& job, std::optional<LaneId> lane, Instant ready);

  // The next download to start, which is under way from now on; nullopt if there is none now.
  std::optional<action::Fetch> take(Instant now);

  // A download ended. What is to be stored of it; nullopt if it is not under way, or is only
  // tried again once the disk has room, or takes files again.
  std::optional<FetchEnd> ended(Now now, event::FetchEnded& ended, Rng& rng);

  // What `ended` said of this job is stored: it is gone, or waits for its next try.
  void stored(JobSeq job);

  // Forgets the downloads under way, to be broken off: their jobs stay as they are stored.
  std::vector<action::CancelFetch> cancel_all();

  // Whether a run that has nothing else to do should wait for these downloads: one of them comes
  // soon, or, for the `patient`, before fetch_rule has run out.
  [[nodiscard]] bool is_worth_waiting(Instant now, bool patient) const;

  [[nodiscard]] bool empty() const { return jobs_.empty(); }
  [[nodiscard]] std::size_t under_way() const { return under_way_; }
  [[nodiscard]] std::size_t jobs_of(LaneId lane) const;
  [[nodiscard]] bool is_full(LaneId lane) const { return jobs_of(lane) >= fetching_jobs_max; }

  // When the next download may start, if time alone brings that.
  [[nodiscard]] std::optional<Instant> next_ready() const;

 private:
  enum class Stage : std::uint8_t { waiting, under_way, storing };
  struct Entry {
    AttemptNumber attempt{};
    std::optional<LaneId> lane;
    WallTime answered_at;
    std::int32_t tries = 0;
    std::int32_t unanswered = 0;  // Tries of this run in a row that reached nobody.
    std::int32_t refusals = 0;    // Tries of this run that found no file.
    Stage stage = Stage::waiting;
    Instant ready;
    bool over = false;  // While storing: it is done or failed.
  };

  struct Verdict {
    JobState to = JobState::fetching;
    Duration wait{};  // Of fetching.
  };

  static Verdict judge(Now now, Entry& entry, const FetchOutcome& outcome, Rng& rng);
  void wait(JobSeq job, Entry& entry, Instant ready);
  void erase(std::map<JobSeq, Entry>::iterator entry);

  std::size_t under_way_max_;
  std::size_t under_way_ = 0;
  std::map<JobSeq, Entry> jobs_;
  std::set<std::pair<Instant, JobSeq>> waiting_;
  std::map<LaneId, std::size_t> by_lane_;
};

}  // namespace ratebatch::schedule
