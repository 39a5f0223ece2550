// The dialects there are, and what concerns them all.
#include <array>

#include "provider/anthropic.hpp"
#include "provider/elevenlabs.hpp"
#include "provider/foreign_text.hpp"
#include "provider/gemini.hpp"
#include "provider/http_api_dialect.hpp"
#include "provider/openai.hpp"
#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::provider {
namespace {

OutcomeClass class_of(TransferFault fault) {
  switch (fault) {
    case TransferFault::not_allowed:
      return OutcomeClass::invalid_request;
    case TransferFault::resolve:
    case TransferFault::connect:
    case TransferFault::tls:
    case TransferFault::broken:
    case TransferFault::local:
      return OutcomeClass::network;
    case TransferFault::timeout:
    case TransferFault::stalled:
      return OutcomeClass::timeout;
    case TransferFault::malformed:
    case TransferFault::too_large:
      return OutcomeClass::bad_reply;
  }
  return OutcomeClass::network;
}

struct NamedDialect {
  std::string_view name;
  const Dialect* dialect;
};

// Dialects have no state: they are made once.
const std::vector<NamedDialect>& dialects() {
  static const OpenAiDialect openai(openai_variant());
  static const OpenAiDialect together(together_variant());
  static const AnthropicDialect anthropic;
  static const GeminiDialect gemini;
  static const ElevenLabsDialect elevenlabs;
  static const HttpApiDialect http;
  static const std::vector<NamedDialect> all = {
      {"openai", &openai}, {"together", &together},     {"anthropic", &anthropic},
      {"gemini", &gemini}, {"elevenlabs", &elevenlabs}, {"http", &http},
  };
  return all;
}

struct PathKind {
  std::string_view path;  // Without /v1.
  ModelKind kind;
};

// The paths of OpenAI's Batch API that JSON can express, and those of vLLM's run-batch.
constexpr std::array<PathKind, 10> path_kinds = {{
    {"/chat/completions", ModelKind::chat},
    {"/responses", ModelKind::responses},
    {"/embeddings", ModelKind::embedding},
    {"/images/generations", ModelKind::image},
    {"/audio/speech", ModelKind::speech},
    {"/completions", ModelKind::raw},
    {"/moderations", ModelKind::raw},
    {"/score", ModelKind::raw},
    {"/rerank", ModelKind::raw},
    {"/v2/rerank", ModelKind::raw},
}};

}  // namespace

const Dialect* find_dialect(std::string_view api) {
  for (const NamedDialect& known : dialects()) {
    if (known.name == api) return known.dialect;
  }
  return nullptr;
}

std::vector<std::string_view> dialect_names() {
  std::vector<std::string_view> names;
  for (const NamedDialect& known : dialects()) names.push_back(known.name);
  return names;
}

std::optional<ModelKind> kind_of_path(std::string_view path) {
  path = path.substr(0, path.find('?'));
  if (path.starts_with("/v1/")) path.remove_prefix(3);
  for (const PathKind& known : path_kinds) {
    if (known.path == path) return known.kind;
  }
  return std::nullopt;
}

Outcome outcome_of(const TransferFailure& failure) {
  Outcome outcome;
  outcome.kind = class_of(failure.fault);
  outcome.message = as_message(failure.message);
  outcome.http_status = failure.status;
  outcome.unreadable = failure.fault == TransferFault::malformed;
  outcome.sent = failure.request_sent;
  return outcome;
}

}  // namespace ratebatch::provider
