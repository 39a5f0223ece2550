#include "run/exchange.hpp"

#include <algorithm>
#include <string>
#include <string_view>
#include <utility>
#include <variant>

#include "ratebatch/base/assert.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/json/writer.hpp"
#include "ratebatch/provider/accept.hpp"
#include "ratebatch/run/job_files.hpp"

namespace ratebatch::run {
namespace {

// What a speech job has spoken: its prompt, or what its own body holds under the name of OpenAI or
// of ElevenLabs; empty where that is no text.
std::string spoken_text(const JobContent& content) {
  if (content.body_json.empty()) return content.prompt;
  const auto body = Json::parse(content.body_json, nullptr, false);
  for (const char* name : {"input", "text"}) {
    const auto found = body.find(name);
    if (found != body.end() && found->is_string()) return found->get<std::string>();
  }
  return {};
}

// A server may echo the header it got: an error page that quotes it, a debugging proxy.
void redact(Outcome& outcome, const Secret& key) {
  outcome.message = key.redacted(std::move(outcome.message));
  outcome.request_id = key.redacted(std::move(outcome.request_id));
  if (!outcome.answer) return;
  Answer& answer = *outcome.answer;
  answer.text = key.redacted(std::move(answer.text));
  answer.body_json = key.redacted(std::move(answer.body_json));
  answer.finish_reason = key.redacted(std::move(answer.finish_reason));
  for (std::string& link : answer.links) link = key.redacted(std::move(link));
}

void judge(const AcceptRules& rules, Outcome& outcome) {
  auto why = provider::why_not_accepted(rules, *outcome.answer);
  if (!why) return;
  outcome.kind = OutcomeClass::not_accepted;
  outcome.message = std::move(*why);
  outcome.answer->assets.clear();
  outcome.answer->links.clear();
}

}  // namespace

Result<RequestMaker::Request> RequestMaker::make(const store::StoredJob& job,
                                                 const action::Send& send) {
  const auto lane = index_of(send.lane);
  // A job that fell back is asked of another model than it names.
  const auto route =
      std::find_if(catalog_.lanes.routes.begin(), catalog_.lanes.routes.end(),
                   [&](const RouteSettings& settings) { return settings.route == send.route; });
  RB_ASSERT(route != catalog_.lanes.routes.end());
  const std::string_view instead =
      route->lane == send.lane ? std::string_view{} : catalog_.lanes.lanes[lane].model;
  RB_TRY(content, renderer_.render(job.line_json, instead));
  if (!content->files.empty()) {
    RB_TRY(read, read_job_files(job_folder(job.file), content->files));
  }
  RB_TRY(http, catalog_.dialects[lane]->request(*content, catalog_.endpoints[lane]));
  if (const Secret& secret = catalog_.keys[index_of(send.key)]; !secret.empty()) {
    KeyHeader key = catalog_.dialects[lane]->key_header(catalog_.endpoints[lane]);
    key.key = secret;
    key.origin = catalog_.origins[index_of(catalog_.lanes.lanes[lane].pool)];
    http->key_header = std::move(key);
  }
  provider::AskedFor asked{.kind = content->kind, .raw_body = !content->body_json.empty()};
  if (content->kind == ModelKind::speech) asked.characters = code_points(spoken_text(*content));
  return Request{std::move(*http), asked};
}

Outcome read_answer(const Catalog& catalog, const AskedBy& by, const TransferResult& result) {
  const auto* reply = std::get_if<HttpReply>(&result);
  const auto lane = index_of(by.lane);
  Outcome outcome = reply != nullptr
                        ? catalog.dialects[lane]->read(*reply, catalog.endpoints[lane], by.asked)
                        : provider::outcome_of(std::get<TransferFailure>(result));
  const bool is_spoken = outcome.kind == OutcomeClass::done && by.asked.kind == ModelKind::speech;
  if (is_spoken && outcome.usage.characters == 0) outcome.usage.characters = by.asked.characters;
  redact(outcome, catalog.keys[index_of(by.key)]);
  const auto rules = catalog.accept.find(by.route);
  if (outcome.kind == OutcomeClass::done && rules != catalog.accept.end()) {
    judge(rules->second, outcome);
  }
  return outcome;
}

}  // namespace ratebatch::run
