#include "sim/sim_ports.hpp"

#include <fmt/format.h>

#include <algorithm>

namespace ratebatch::sim {
namespace {

// A run of the largest world takes some thousand turns; more than this is a loop without progress.
constexpr std::int64_t turns_max = 400'000;

// A field of the request's JSON body: bodies here are simple enough to look for the text.
std::string json_text_field(const std::string& body, const std::string& field) {
  const std::string key = "\"" + field + "\":\"";
  const std::size_t at = body.find(key);
  require(at != std::string::npos, "a request names its model");
  const std::size_t from = at + key.size();
  return body.substr(from, body.find('"', from) - from);
}

std::string header_value(const HttpRequest& request, std::string name) {
  for (const Header& header : request.headers) {
    std::string lower = header.name;
    std::transform(lower.begin(), lower.end(), lower.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    if (lower == name) return header.value;
  }
  return {};
}

const FakeJob& find_job(const FakeCheckpointData& data, const std::string& id) {
  for (const FakeJob& job : data.jobs) {
    if (job.id == id) return job;
  }
  throw Violation{"a request belongs to no job"};
}

}  // namespace

void SimState::maybe_crash() {
  if (healed || crashes >= options.crashes_max || !rng.chance(options.crash_per_mille)) return;
  ++crashes;
  trace("crash");
  throw Crash{};
}

void SimState::trace(const std::string& line) {
  for (const char c : line) {
    trace_hash ^= static_cast<unsigned char>(c);
    trace_hash *= 0x100000001B3ULL;
  }
}

std::int64_t SimState::used_today(const std::string& scope) const {
  const auto sent = sent_ever.find(scope);
  if (sent == sent_ever.end()) return 0;
  constexpr std::int64_t day = 86'400'000'000'000;
  // All of a life is summer: midnight in Los Angeles is 07:00 UTC.
  constexpr std::int64_t midnight = 7 * 3'600'000'000'000;
  const std::int64_t now_ns = true_time().ns;
  return std::count_if(sent->second.begin(), sent->second.end(), [&](WallTime at) {
    return options.day_rolling ? now_ns - at.ns < day
                               : (at.ns - midnight) / day == (now_ns - midnight) / day;
  });
}

Now SimClock::now() {
  // Every reading moves the clock a little, as on a real machine.
  state_.now.steady = state_.now.steady + Duration{10'000};
  state_.now.wall = state_.now.wall + Duration{10'000};
  if (!state_.healed && state_.rng.chance(state_.options.clock_step_per_mille)) {
    const Duration step{state_.rng.between(-86'400, 86'400) * 1'000'000'000};
    state_.now.wall = state_.now.wall + step;
  }
  return state_.now;
}

std::optional<event::StopRequested> SimInterrupts::take() {
  if (state_.healed || presses_ >= 2) return std::nullopt;
  if (presses_ == 0 && (state_.stops >= state_.options.stops_max || !state_.rng.chance(10))) {
    return std::nullopt;
  }
  if (presses_ == 1 && !state_.rng.chance(50)) return std::nullopt;
  ++presses_;
  if (presses_ == 1) ++state_.stops;
  state_.trace("stop");
  return event::StopRequested{presses_ == 1 ? Duration{std::chrono::seconds{2}} : Duration{}};
}

Result<store::RunBegun> SimCheckpoint::begin_run(const store::RunStart& start) {
  auto begun = fake_.begin_run(start);
  state_.maybe_crash();
  return begun;
}

Result<std::vector<JobRef>> SimCheckpoint::load_page(RouteId route, std::optional<JobCursor> after,
                                                     std::size_t count) {
  return fake_.load_page(route, after, count);
}

Result<void> SimCheckpoint::commit(const Batch& batch) {
  state_.maybe_crash();
  if (!state_.healed && state_.rng.chance(state_.options.no_room_per_mille)) {
    state_.trace("no room");
    return fail(ErrorCode::disk_full, "simulated");
  }
  const bool slow = !state_.healed && state_.rng.chance(state_.options.slow_commit_per_mille);
  const Duration took{state_.rng.between(100'000, slow ? 170'000'000 : 2'000'000)};
  state_.now.steady = state_.now.steady + took;
  state_.now.wall = state_.now.wall + took;
  for (const AttemptStart& start : batch.starts) {
    state_.trace(fmt::format("start {} {}", static_cast<std::int64_t>(start.job),
                             static_cast<std::int32_t>(start.attempt)));
  }
  for (const AttemptEnd& end : batch.ends) {
    state_.trace(fmt::format("end {} {} {}", static_cast<std::int64_t>(end.job), to_string(end.to),
                             to_string(end.outcome.kind)));
  }
  for (const FetchEnd& end : batch.fetches) {
    state_.trace(fmt::format("fetched {} {} {}", static_cast<std::int64_t>(end.job),
                             to_string(end.to), end.tries));
  }
  if (state_.options.canary) before_last_commit_ = data_;
  auto stored = fake_.commit(batch);
  state_.just_ended.clear();
  for (const AttemptEnd& end : batch.ends) state_.just_ended.insert(end.job);
  state_.maybe_crash();
  return stored;
}

void SimTransport::download(net::TransferId id, const HttpRequest& request) {
  require(!request.key_header && request.headers.empty(), "a download carries no key");
  require(request.public_only, "a download goes to public addresses only");
  const std::string job = request.url.substr(request.url.rfind('/') + 1);
  const JobState stored = find_job(data_, job).state;
  require(stored == JobState::fetching, "no file is fetched before its answer is stored");
  require(downloads_.insert(job).second, "no job has two downloads under way");
  require(downloads_.size() <= static_cast<std::size_t>(state_.options.workers),
          "no more downloads than workers");
  state_.maybe_crash();
  state_.trace("download " + job);
  const bool redirected = request.url.find("/moved/") != std::string::npos;
  SimProvider::Answer answer = state_.provider.download(job, redirected);
  deliveries_.emplace(state_.now.steady + answer.after,
                      Delivery{id, std::move(answer.result), job, "", state_.now.steady});
}

// A transfer ended, or was broken off.
void SimTransport::over(const Delivery& delivery) {
  if (delivery.scope.empty()) {
    downloads_.erase(delivery.job);
    return;
  }
  state_.provider.finished(delivery.scope);
  --scopes_in_flight_[delivery.scope];
  jobs_in_flight_.erase(delivery.job);
}

void SimTransport::send(net::TransferId id, HttpRequest request) {
  if (request.method == "GET") {
    download(id, request);
    return;
  }
  const std::string job = header_value(request, "x-client-request-id");
  const std::string model = json_text_field(request.body, "model");
  require(request.key_header.has_value(), "a request carries its key");
  const std::string key{request.key_header->key.reveal()};
  const std::string scope = state_.scope(model, key);
  check_send(job, scope);
  state_.maybe_crash();
  ++state_.sends;
  state_.trace(fmt::format("send {} {}", job, key));
  jobs_in_flight_.insert(job);
  ++scopes_in_flight_[scope];
  SimProvider::Answer answer = state_.provider.request(state_.now, scope, model, job, key);
  deliveries_.emplace(state_.now.steady + answer.after,
                      Delivery{id, std::move(answer.result), job, scope, state_.now.steady});
  state_.maybe_crash();
}

void SimTransport::check_send(const std::string& id, const std::string& scope) {
  const SimOptions& o = state_.options;
  const FakeJob& job = find_job(data_, id);
  require(job.state == JobState::running, "no request leaves before its start is committed");
  require(!interrupts_.stop_seen(), "nothing starts after a stop");
  require(jobs_in_flight_.count(id) == 0, "no job has two requests in flight");
  require(jobs_in_flight_.size() < static_cast<std::size_t>(o.workers),
          "no more requests than workers");
  require(o.configured_concurrency == 0 || scopes_in_flight_[scope] < o.configured_concurrency,
          "concurrency stays within its limit");
  require(o.waves == 0 || scopes_in_flight_[scope] < o.waves, "no wave is larger than configured");
  jobs_sent_.insert(id);
  require(o.slice_jobs == 0 || std::ssize(jobs_sent_) <= o.slice_jobs,
          "a run starts no more jobs than its slice has");
  check_priority(id);
  check_rate(scope);
  check_day(scope);
}

// No job starts while one of higher priority of the same lane could.
void SimTransport::check_priority(const std::string& id) {
  const FakeJob& job = find_job(data_, id);
  for (const FakeJob& other : data_.jobs) {
    // One that came back in this very commit was not there when the start was decided.
    const bool could =
        is_startable(other.state) && !other.ready_at && state_.just_ended.count(other.seq) == 0;
    if (!could || other.priority <= job.priority || other.route != job.route) continue;
    throw Violation{fmt::format("job {} starts before {} of higher priority", id, other.id)};
  }
}

void SimTransport::check_rate(const std::string& scope) {
  const SimOptions& o = state_.options;
  if (o.configured_requests == 0) return;
  auto& times = sent_times_[scope];
  std::erase_if(times, [&](Instant at) { return state_.now.steady - at >= o.configured_window; });
  require(static_cast<std::int64_t>(times.size()) < o.configured_requests,
          "no window holds more requests than its limit");
  times.push_back(state_.now.steady);
}

// Never a request above the threshold of a day, as the provider counts it.
void SimTransport::check_day(const std::string& scope) {
  const SimOptions& o = state_.options;
  if (o.day_requests == 0) return;
  const std::int64_t threshold =
      std::max<std::int64_t>(1, o.day_requests * o.pause_at_per_mille / 1000);
  // Who starts a program by a wrong clock cannot be helped.
  const bool clock_is_right = o.clock_step_per_mille == 0;
  require(!clock_is_right || state_.used_today(scope) < threshold,
          "no request goes beyond the threshold of a day");
  state_.sent_ever[scope].push_back(state_.true_time());
}

void SimTransport::cancel(net::TransferId id) {
  for (auto at = deliveries_.begin(); at != deliveries_.end(); ++at) {
    if (at->second.id != id) continue;
    over(at->second);
    deliveries_.erase(at);
    return;
  }
}

std::vector<net::FinishedTransfer> SimTransport::finished() {
  std::vector<net::FinishedTransfer> out;
  while (!deliveries_.empty() && deliveries_.begin()->first <= state_.now.steady) {
    Delivery delivery = std::move(deliveries_.begin()->second);
    deliveries_.erase(deliveries_.begin());
    over(delivery);
    state_.trace("reply " + delivery.job);
    out.push_back({delivery.id, std::move(delivery.result), state_.now.steady - delivery.sent_at});
  }
  return out;
}

void SimTransport::wait(Duration longest) {
  state_.maybe_crash();
  // The program wakes every second to look around. A machine that sleeps through some of that, once
  // nothing has happened for a minute, keeps days of pauses short.
  const bool idle = deliveries_.empty() && longest >= std::chrono::seconds{1};
  idle_waits_ = idle ? idle_waits_ + 1 : 0;
  if (idle_waits_ > 60) longest *= 60;
  Instant until = state_.now.steady + longest;
  if (!deliveries_.empty()) until = std::min(until, deliveries_.begin()->first);
  const Duration passed = std::max(Duration{}, until - state_.now.steady);
  state_.now.steady = state_.now.steady + passed;
  state_.now.wall = state_.now.wall + passed;
}

Result<std::vector<std::string>> SimFiles::keep(std::string_view id, std::size_t before,
                                                const std::vector<Asset>& assets) {
  if (!state_.healed && state_.rng.chance(state_.options.no_room_per_mille)) {
    return fail(ErrorCode::disk_full, "simulated");
  }
  std::vector<std::string> names;
  for (std::size_t i = 0; i < assets.size(); ++i) {
    names.push_back(fmt::format("{}~{}.{}", id, before + i, assets[i].extension));
  }
  return names;
}

Outcome SimDialect::read(const HttpReply& reply, const Endpoint& endpoint,
                         const provider::AskedFor& asked) const {
  Outcome outcome = real_.read(reply, endpoint, asked);
  const std::string_view link = reply.header("x-sim-link");
  if (outcome.answer && !link.empty()) outcome.answer->links.emplace_back(link);
  return outcome;
}

void SimObserver::committed(Now /*now*/, const Batch& /*batch*/, const store::Counts& counts) {
  require(counts.jobs().total() == state_.options.jobs, "no job is lost or made up");
}

Duration SimObserver::turned(Now /*now*/, const Snapshot& snapshot, const store::Counts& counts) {
  require(snapshot.in_flight <= state_.options.workers, "no more jobs in flight than workers");
  require(snapshot.in_flight >= counts.jobs().of(JobState::running),
          "whatever is stored as running is in flight");
  if (++turns_ > turns_max) {
    std::string why = "the run does not end:";
    for (const LaneSnapshot& lane : snapshot.lanes) {
      why += fmt::format(" {} {} in_flight={} retrying={};", to_string(lane.status.state),
                         lane.status.reason, lane.in_flight, lane.retrying);
    }
    throw Violation{why};
  }
  return snapshot.in_flight > 0 ? std::chrono::seconds{1} : std::chrono::minutes{5};
}

}  // namespace ratebatch::sim
