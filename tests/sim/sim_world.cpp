#include "sim/sim_world.hpp"

#include <fmt/format.h>

#include <utility>
#include <vector>

#include "ratebatch/run/catalog.hpp"
#include "ratebatch/run/driver.hpp"
#include "sim/sim_ports.hpp"
#include "support/fake_checkpoint.hpp"

namespace ratebatch::sim {
namespace {

// The pauses of a quota can add up to many days; an end later than this means that something waits
// for ever.
constexpr Duration life_max = std::chrono::hours{24 * 100};

std::string model_name(std::int64_t i) { return fmt::format("model-{}", i); }
std::string type_name(std::int64_t i) { return fmt::format("type-{}", i); }

void add_limits(const SimOptions& o, ModelSettings& model) {
  if (o.configured_tokens > 0) {
    Limit limit;
    limit.name = "tpm";
    limit.resource = Resource::tokens;
    limit.amount = o.configured_tokens;
    limit.window = std::chrono::minutes{1};
    model.limits.windows.push_back(std::move(limit));
  }
  if (o.day_requests > 0) {
    Limit limit;
    limit.name = "rpd";
    limit.amount = o.day_requests;
    limit.window = std::chrono::hours{24};
    limit.pause_at_per_mille = o.pause_at_per_mille;
    limit.reset.kind = o.day_rolling ? Reset::Kind::rolling : Reset::Kind::daily;
    limit.reset.zone = TimeZone::find("America/Los_Angeles").value();
    model.limits.windows.push_back(std::move(limit));
  }
  if (o.waves > 0) model.waves = Waves{o.waves, o.waves_delay};
  if (o.cost_max > 0) model.price = Price{1000, 1000, 0, 0};
}

Config make_config(const SimOptions& o) {
  Config config;
  ProviderSettings provider;
  provider.name = "sim";
  provider.base_url = "https://sim.test/v1";
  for (std::int32_t i = 0; i < o.keys; ++i) {
    provider.keys.push_back({KeySource::From::environment, fmt::format("key-{}", i), ""});
  }
  provider.key_scope = o.separate_keys ? KeyScope::separate : KeyScope::shared;
  config.providers["sim"] = provider;
  for (std::int32_t i = 0; i < o.models; ++i) {
    ModelSettings model;
    model.name = model.id = model_name(i);
    model.provider = "sim";
    if (o.configured_concurrency > 0) model.limits.concurrency = o.configured_concurrency;
    if (o.configured_requests > 0) {
      Limit limit;
      limit.name = "requests";
      limit.amount = o.configured_requests;
      limit.window = o.configured_window;
      model.limits.windows.push_back(std::move(limit));
    }
    add_limits(o, model);
    if (o.fallback && i == 0) {
      model.fallback_to = {model_name(o.models - 1)};
      model.fallback_on = {true, true, true};
    }
    config.models[model.name] = model;
  }
  for (std::int32_t i = 0; i < o.types; ++i) {
    TypeSettings type;
    type.name = type_name(i);
    type.model = model_name(i % o.models);
    if (o.refused_per_mille > 0) type.accept.lacks = {"rubbish"};
    config.types[type.name] = type;
  }
  return config;
}

void add_jobs(const SimOptions& o, Rng& rng, FakeCheckpointData& data) {
  for (std::int64_t i = 0; i < o.jobs; ++i) {
    store::NewJob job;
    job.id = fmt::format("job-{}", i);
    job.type = type_name(static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(o.types))));
    if (rng.chance(200)) {
      job.model =
          model_name(static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(o.models))));
    }
    job.priority = static_cast<std::int64_t>(rng.below(static_cast<std::uint64_t>(o.priorities)));
    const std::string model = job.model.empty() ? "" : fmt::format(R"("model":"{}",)", job.model);
    job.line_json =
        fmt::format(R"({{"id":"{}",{}"prompt":"write","type":"{}"}})", job.id, model, job.type);
    job.line = i + 1;
    data.add(job);
  }
}

// Everything one world needs over its incarnations.
class World {
 public:
  explicit World(const SimOptions& options) : state_(options), config_(make_config(options)) {
    Rng rng{options.seed ^ 0x5EED};
    add_jobs(options, rng, data_);
  }

  SimReport run() {
    SimReport report;
    try {
      live();
      judge();
    } catch (const Violation& violation) {
      report.violation = violation.what;
    }
    const store::Counts counts = FakeCheckpoint{data_}.counts();
    report.trace_hash = state_.trace_hash;
    report.sends = state_.sends;
    report.crashes = state_.crashes;
    report.done = counts.jobs().of(JobState::done);
    report.failed = counts.jobs().of(JobState::failed);
    report.held = counts.jobs().of(JobState::held);
    report.resent = counts.calls.resent;
    report.rate_limited = counts.calls.rate_limited;
    for (const FakeJob& job : data_.jobs) {
      if (job.state == JobState::done && !job.files.empty()) ++report.fetched;
      if (job.state == JobState::failed && job.fetch_tries > 0) ++report.lost;
      if (job.rejections > 0) ++report.rejected;
    }
    return report;
  }

 private:
  // Runs with faults until a run comes to its own end; then, if something is left, without.
  void live() {
    const Instant born = state_.now.steady;
    while (true) {
      const auto end = incarnate();
      require(state_.now.steady - born < life_max, "the work ends in a bounded time");
      if (!end) {
        // A dead program closes its connections and takes a moment to be started again.
        state_.provider.drop_all();
        pass_time(std::chrono::seconds{1});
        continue;
      }
      if (*end == action::FinishReason::complete) return;
      if (*end == action::FinishReason::no_key) heal();
      // As a person would who finds the typo, or that the first jobs are the only bad ones.
      if (*end == action::FinishReason::stopped_lane) {
        proven_ = !state_.options.typo || typo_seen_;
        typo_seen_ = true;
        state_.provider.mend_typo();
      }
      if (*end == action::FinishReason::budget) money_is_bounded_ = false;
      if (*end == action::FinishReason::paused || *end == action::FinishReason::no_credit) {
        pass_time(std::chrono::hours{1});
      }
    }
  }

  void pass_time(Duration d) {
    state_.now.steady = state_.now.steady + d;
    state_.now.wall = state_.now.wall + d;
  }

  // What is stored knows of every request that was sent.
  void check_usage(const run::Catalog& catalog, const std::vector<StoredState>& states) {
    const SimOptions& o = state_.options;
    if (o.day_requests == 0 || o.clock_step_per_mille > 0) return;
    const quota::QuotaMonitor monitor{catalog.lanes, quota::QuotaOptions{}, state_.now, states};
    for (std::size_t i = 0; i < catalog.lanes.lanes.size(); ++i) {
      const LaneQuota view = monitor.view(state_.now, LaneId{static_cast<std::int32_t>(i)});
      for (const KeyView& keys : view.keys) {
        const std::string scope = state_.scope(catalog.lanes.lanes[i].model, keys.group);
        for (const LimitView& limit : keys.limits) {
          require(limit.limit != "rpd" || limit.used >= state_.used_today(scope),
                  "usage never falls by a restart");
        }
      }
    }
  }

  void heal() {
    state_.healed = true;
    state_.provider.heal();
  }

  // One life of the program; nothing if it crashed.
  std::optional<action::FinishReason> incarnate() {
    SimClock clock{state_};
    SimInterrupts interrupts{state_};
    SimCheckpoint checkpoint{state_, data_};
    SimTransport transport{state_, data_, interrupts};
    SimObserver observer{state_};
    SimFiles files{state_};
    try {
      return work({clock, transport, checkpoint, interrupts, observer, files}, checkpoint);
    } catch (const Crash&) {
      checkpoint.forget_last_commit();
      return std::nullopt;
    }
  }

  action::FinishReason work(const run::DriverPorts& ports, SimCheckpoint& checkpoint) {
    std::vector<std::string> warnings;
    const run::KeyReader read_key = [](const KeySource& source) { return Secret{source.name}; };
    auto catalog = make_catalog(config_, checkpoint.routes().value(), read_key,
                                run::CatalogOptions{}, warnings);
    require(catalog.has_value(), "the configuration fits the jobs");
    for (RouteSettings& route : catalog->lanes.routes) route.proven = proven_;
    const SimDialect dialect{*catalog->dialects.front()};
    for (const provider::Dialect*& each : catalog->dialects) each = &dialect;

    store::RunStart start;
    start.pid = 1;
    start.at = ports.clock.now().wall;
    start.workers = state_.options.workers;
    start.on_unknown = state_.options.on_unknown;
    start.lanes = catalog->lanes;
    start.recipes = catalog->recipes;
    const std::int64_t running = checkpoint.counts().jobs().of(JobState::running);
    auto begun = checkpoint.begin_run(start);
    require(begun.has_value(), "a run begins");
    require(begun->found_unknown == running, "each started attempt of a dead run is unknown");
    require(running <= state_.options.workers, "a crash leaves at most `workers` jobs unknown");

    ++state_.runs;
    check_usage(*catalog, begun->states);

    run::DriverOptions options;
    options.scheduler.wait_for_pauses = !state_.options.no_wait;
    if (state_.options.cost_max > 0 && money_is_bounded_) {
      options.scheduler.quota.budget.total_max_pico_usd = state_.options.cost_max;
      options.scheduler.quota.budget.spent_pico_usd = checkpoint.counts().calls.cost_pico_usd;
    }
    options.scheduler.workers = state_.options.workers;
    options.scheduler.on_unknown = state_.options.on_unknown;
    if (state_.options.slice_jobs > 0) options.scheduler.jobs_max = state_.options.slice_jobs;
    options.answers_per_turn_max = static_cast<std::size_t>(state_.options.answers_per_turn);
    options.seed = state_.options.seed + static_cast<std::uint64_t>(state_.crashes);
    const std::int64_t fetching = checkpoint.counts().jobs().of(JobState::fetching);
    require(std::ssize(begun->fetches) == fetching, "a run knows every job that is fetching");
    auto end = drive(*catalog, ports, options, *begun);
    require(end.has_value(), "no run ends with an error of the store");
    require(end->reason != action::FinishReason::budget ||
                checkpoint.counts().calls.cost_pico_usd <= state_.options.cost_max,
            "no more is spent than may be");
    return end->reason;
  }

  // What must be true at the end, by the provider's books alone.
  void judge() {
    const auto& accounts = state_.provider.accounts();
    std::int64_t typo_failures = 0;
    for (const FakeJob& job : data_.jobs) {
      const auto found = accounts.find(job.id);
      const Account account = found == accounts.end() ? Account{} : found->second;
      judge(job, account);
      const bool by_typo = job.state == JobState::failed && account.not_found > 0;
      typo_failures += by_typo && !account.permanently_wrong ? 1 : 0;
    }
    // A trial of ten begins with each run, for each type of job that may use the model.
    const std::int64_t trials = std::int64_t{state_.runs} * state_.options.types * 2;
    require(typo_failures <= 9 * trials, "a typo does not fail all jobs");
  }

  void judge(const FakeJob& job, const Account& account) {
    const auto fail_if = [&](bool broken, const char* what) {
      if (!broken) return;
      throw Violation{
          fmt::format("{} ({}, {} attempts; provider: {} arrived, {} charged, {} "
                      "refused, {} failed): {}",
                      job.id, to_string(job.state), static_cast<std::int32_t>(job.attempts),
                      account.arrived, account.charged, account.refused, account.failed, what)};
    };
    const bool settled =
        job.state == JobState::done || job.state == JobState::failed || job.state == JobState::held;
    fail_if(!settled, "every job is settled in the end");
    fail_if(account.arrived > static_cast<std::int32_t>(job.attempts),
            "every request is on record as an attempt");
    fail_if(job.state == JobState::done && job.results != 1, "a done job has one result");
    fail_if(job.state == JobState::done && account.charged < 1, "a done job was answered");
    fail_if(job.state == JobState::done && account.permanently_wrong, "a wrong job is never done");
    const std::int64_t retries = config_.retry.server.retries;
    const bool refused_twice = account.rejected >= schedule::rejections_max;
    const bool lost =
        account.has_links && (account.gone || state_.options.fetch_error_per_mille > 0);
    fail_if(job.state == JobState::failed && !account.permanently_wrong && account.not_found == 0 &&
                account.failed <= retries && !refused_twice && !lost,
            "a job fails only for failures beyond its retries, never for a limit");
    const bool has_files = job.state == JobState::done && account.has_links;
    fail_if(has_files && (job.files.size() != 1 || account.fetched < 1),
            "a done job has the files that its answer announced");
    fail_if(has_files && account.gone, "a file that does not exist is not had");
    fail_if(job.state == JobState::done && job.text.starts_with("rubbish"),
            "no refused answer is a result");
    // An answer that was good and seen ends the asking, whatever becomes of its files.
    fail_if(job.unknowns == 0 && account.charged > account.rejected + account.failed + 1,
            "what is paid is not asked for again");
    fail_if(job.state == JobState::held && account.refused == account.arrived &&
                job.unknowns == 0 && account.arrived > 0,
            "a job is held only where nobody saw the answer");
  }

  SimState state_;
  Config config_;
  FakeCheckpointData data_;
  bool proven_ = false;
  bool typo_seen_ = false;
  bool money_is_bounded_ = true;
};

}  // namespace

SimReport simulate(const SimOptions& options) {
  World world{options};
  return world.run();
}

}  // namespace ratebatch::sim
