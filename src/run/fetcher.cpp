#include "run/fetcher.hpp"

#include <fmt/format.h>

#include <algorithm>
#include <utility>
#include <variant>

#include "provider/asset_bytes.hpp"
#include "provider/server_values.hpp"
#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/net/redirect.hpp"
#include "ratebatch/provider/dialect.hpp"
#include "ratebatch/run/catalog.hpp"

namespace ratebatch::run {
namespace {

// As long as the largest file takes at 2 Mbit/s.
constexpr Duration fetch_timeout = std::chrono::minutes{5};

std::string not_stored(const std::string& cause) {
  return cause + "; the answer is stored: mend that, and its file is downloaded again";
}

bool is_redirect(std::int32_t status) {
  return status == 301 || status == 302 || status == 303 || status == 307 || status == 308;
}

// Of a reply without the file. Signed links that have expired are refused as forbidden.
OutcomeClass class_of(std::int32_t status) {
  const bool is_gone = status == 401 || status == 403 || status == 404 || status == 410;
  if (is_gone) return OutcomeClass::not_found;
  if (status == 408) return OutcomeClass::timeout;
  if (status == 429) return OutcomeClass::rate_limited;
  return status >= 500 ? OutcomeClass::server_error : OutcomeClass::bad_reply;
}

// A page that says what is wrong comes with a status of 200, too.
bool is_text(const HttpReply& reply) {
  const std::string_view type = reply.header("content-type");
  return type.starts_with("text/") || type.find("json") != std::string_view::npos;
}

}  // namespace

void Fetcher::start(const action::Fetch& fetch, store::StoredFetch job, const std::string& folder,
                    net::TransferId id) {
  RB_ASSERT(!job.links.empty());
  Download download{.fetch = fetch, .job = std::move(job), .url = {}, .assets = {}};
  download.url = download.job.links.front();
  send(id, std::move(download), folder);
}

void Fetcher::send(net::TransferId id, Download download, const std::string& folder) {
  HttpRequest request;
  request.method = "GET";
  request.url = download.url;
  request.public_only = true;
  request.total_timeout = fetch_timeout;
  request.reply_files.binary_body = true;
  request.reply_files.folder = folder;
  request.reply_files.stem = std::to_string(static_cast<std::uint64_t>(id));
  downloads_.emplace(id, std::move(download));
  transport_.send(id, std::move(request));
}

std::optional<event::FetchEnded> Fetcher::ended(net::FinishedTransfer& finished,
                                                const std::string& folder, net::TransferId next) {
  auto found = downloads_.extract(finished.id);
  RB_ASSERT(!found.empty());
  Download download = std::move(found.mapped());
  if (const auto* failure = std::get_if<TransferFailure>(&finished.result)) {
    const Outcome outcome = provider::outcome_of(*failure);
    // A file that is too long does not become shorter.
    const bool too_large = failure->fault == TransferFault::too_large;
    const OutcomeClass kind = too_large ? OutcomeClass::too_large : outcome.kind;
    FetchOutcome broken = failed(download, kind, outcome.message);
    // Who shows a certificate is there.
    broken.answered = failure->fault == TransferFault::tls ||
                      (failure->status != 0 && failure->fault != TransferFault::local);
    return end(download, std::move(broken));
  }
  auto& reply = std::get<HttpReply>(finished.result);
  auto over = take(download, reply);
  remove_unused(files_, reply, download.assets);
  if (over) {
    over->answered = true;
    return end(download, std::move(*over));
  }
  if (download.link < download.job.links.size()) {
    send(next, std::move(download), folder);
    return std::nullopt;
  }
  FetchOutcome outcome = keep(download);
  if (outcome.kind == OutcomeClass::done) download.assets.clear();
  return end(download, std::move(outcome));
}

// Takes the file out of a reply, or the address it leads to. What the download came to, if that
// ends it.
std::optional<FetchOutcome> Fetcher::take(Download& download, HttpReply& reply) {
  if (is_redirect(reply.status)) {
    if (++download.redirects > fetch_redirects_max) {
      return failed(download, OutcomeClass::bad_reply, "it is redirected too often");
    }
    auto target = net::redirect_target(download.url, reply.header("location"));
    if (!target) return failed(download, OutcomeClass::bad_reply, target.error().message);
    download.url = std::move(*target);
    return std::nullopt;
  }
  if (reply.status < 200 || reply.status >= 300) {
    const OutcomeClass kind = class_of(reply.status);
    const char* hint = kind == OutcomeClass::not_found ? "; the link may have expired" : "";
    FetchOutcome outcome = failed(download, kind, fmt::format("HTTP {}{}", reply.status, hint));
    outcome.wait = provider::wait_hint(reply, "");
    return outcome;
  }
  Answer answer;
  const bool has_file = provider::add_body_asset(reply, answer);
  for (Asset& asset : answer.assets) download.assets.push_back(std::move(asset));
  if (!has_file) return failed(download, OutcomeClass::bad_reply, "the file is empty");
  if (download.assets.back().extension == "bin" && is_text(reply)) {
    return failed(download, OutcomeClass::bad_reply, "a text came instead of a file");
  }
  download.redirects = 0;
  if (++download.link < download.job.links.size()) download.url = download.job.links[download.link];
  return std::nullopt;
}

FetchOutcome Fetcher::keep(const Download& download) {
  FetchOutcome outcome;
  auto names = files_.keep(download.job.id, download.job.files, download.assets);
  if (names) {
    outcome.kind = OutcomeClass::done;
    outcome.files = std::move(*names);
    return outcome;
  }
  outcome.no_room = names.error().code == ErrorCode::disk_full;
  outcome.local = !outcome.no_room;
  outcome.message = not_stored(names.error().message);
  return outcome;
}

FetchOutcome Fetcher::failed(const Download& download, OutcomeClass kind, const std::string& why) {
  FetchOutcome outcome;
  outcome.kind = kind;
  const std::size_t count = download.job.links.size();
  const std::string which =
      count == 1 ? "the file" : fmt::format("file {} of {}", download.link + 1, count);
  // Not the whole link: who has it has the file.
  outcome.message =
      fmt::format("cannot download {} from {}: {}", which, escaped(origin_of(download.url)), why);
  outcome.advice = fmt::format(
      "; the answer is paid: `ratebatch retry --id {}` asks for another one, and pays again",
      escaped(download.job.id));
  return outcome;
}

event::FetchEnded Fetcher::end(Download& download, FetchOutcome outcome) {
  for (const Asset& asset : download.assets) {
    if (!asset.path.empty()) files_.remove(asset.path);
  }
  return {download.fetch.job, download.fetch.attempt, std::move(outcome)};
}

void Fetcher::cancel(JobSeq job) {
  const auto found = std::find_if(downloads_.begin(), downloads_.end(),
                                  [&](const auto& entry) { return entry.second.fetch.job == job; });
  if (found == downloads_.end()) return;
  transport_.cancel(found->first);
  end(found->second, {});
  downloads_.erase(found);
}

}  // namespace ratebatch::run
