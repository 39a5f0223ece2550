// Downloads the files that stored answers announced: link by link, each redirect as a request of
// its own, so that the transport judges every address.
//
// Requests carry no key and go to public addresses only. What a download came to is a fact for the
// scheduler, which decides on another try; a try begins with the first link again.
#pragma once

#include <cstdint>
#include <map>
#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/protocol.hpp"
#include "ratebatch/net/transport.hpp"
#include "ratebatch/run/answer_files.hpp"
#include "ratebatch/store/checkpoint.hpp"

namespace ratebatch::run {

// Redirects of one link that are followed.
constexpr std::int32_t fetch_redirects_max = 3;

class Fetcher {
 public:
  // All must outlive it.
  Fetcher(net::Transport& transport, AnswerFiles& files) : transport_(transport), files_(files) {}

  // Starts to download for `job`. `folder`: where parts of replies go; empty: nowhere. `id` is the
  // transfer's.
  void start(const action::Fetch& fetch, store::StoredFetch job, const std::string& folder,
             net::TransferId id);

  [[nodiscard]] bool owns(net::TransferId id) const { return downloads_.contains(id); }

  // A transfer of its own ended. Goes on with the next one, as `next`, or says what the download
  // came to. Precondition: owns(finished.id).
  std::optional<event::FetchEnded> ended(net::FinishedTransfer& finished, const std::string& folder,
                                         net::TransferId next);

  // Breaks off the download for a job.
  void cancel(JobSeq job);

 private:
  struct Download {
    action::Fetch fetch;
    store::StoredFetch job;
    std::size_t link = 0;  // The one under way...
    std::string url;       // ...and where it has led to.
    std::int32_t redirects = 0;
    std::vector<Asset> assets;  // Of the links before it.
  };

  void send(net::TransferId id, Download download, const std::string& folder);
  std::optional<FetchOutcome> take(Download& download, HttpReply& reply);
  [[nodiscard]] FetchOutcome keep(const Download& download);
  static FetchOutcome failed(const Download& download, OutcomeClass kind, const std::string& why);
  event::FetchEnded end(Download& download, FetchOutcome outcome);

  net::Transport& transport_;
  AnswerFiles& files_;
  std::map<net::TransferId, Download> downloads_;
};

}  // namespace ratebatch::run
