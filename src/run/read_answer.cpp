#include "run/read_answer.hpp"

#include <utility>
#include <variant>

#include "ratebatch/provider/accept.hpp"

namespace ratebatch::run {
namespace {

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
