// The text of config_template.
#include "ratebatch/input/config_file.hpp"

namespace ratebatch::input {
namespace {

constexpr std::string_view template_text = R"(# Configuration of ratebatch.
#
#   ratebatch run jobs.jsonl --sandbox    rehearse on this machine: no key, no cost
#   ratebatch run jobs.jsonl              the real service

workers: 4              # requests in flight at most, over all models
pace_at: 0.99           # share of each limit per second, minute or hour that is used
pause_at: 0.80          # share of each limit per day or month at which a model pauses

providers:
  openai:
    base_url: https://api.openai.com/v1
    keys: [env:OPENAI_API_KEY]      # where it is found (env:NAME, file:PATH), never the key itself
  # anthropic, gemini, together, elevenlabs and groq are known already: a model names its provider,
  # and the key is found in ANTHROPIC_API_KEY and so on. Another service needs its base_url, and
  # api: openai, anthropic, gemini, together or elevenlabs, or http for an API of its own.

# Limits belong to your account: copy yours from the provider's limits page, or name its tier
# ('ratebatch tiers' lists the built-in ones). Without either they are learned, gently.
#   rpm, tpm, ipm      requests, tokens, images per minute (it, ot: input, output tokens alone)
#   rps, rph, rpd      per second, hour, day; rpmo: per month
#   concurrency        requests in flight at the same time
models:
  gpt-4o-mini:
    provider: openai
    kind: chat                      # chat, responses, image, speech, transcription or embedding;
                                    # by itself from the usual names
    # tier: 1                       # limits from the built-in table, where none stand below
    limits: {rpm: 500, tpm: 200k, rpd: 10k, concurrency: 8}
    price: {input: 0.15, output: 0.60}      # USD per million tokens
    timeout: 120s

  gpt-image-1:
    provider: openai
    kind: image
    limits: {ipm: 5, concurrency: 2}
    # waves: 3x15s                  # three at once, the next ones 15 s after the last of them
    timeout: 180s

  # voice:
  #   provider: elevenlabs
  #   id: eleven_multilingual_v2
  #   limits: {concurrency: 2}
  #   params: {voice: JBFqnCBsd6RMkjVDRZzb, format: mp3}

# What jobs may have as "type". In a prompt:
#   {{artist}}         must be given
#   {{genre|music}}    "music" when it is not given
#   {{country?}}       empty when it is not given
types:
  bio:
    model: gpt-4o-mini
    system: You write for a music site. Keep to facts you are sure of.
    prompt: |
      Write a biography of about 120 words.
      Artist: {{artist}}
      Genre: {{genre|music}}
    params: {max_tokens: 300}
    # An answer that is not so is asked (and paid) for once more, then its job fails.
    # accept: {finish_reason: [stop], min_chars: 200}

  image:
    model: gpt-image-1
    prompt: "An album cover without lettering: {{subject}}. Style: {{style|woodcut}}."
    params: {size: 1024x1024}

# A line of jobs.jsonl for each type:
#   {"id": "bio-1", "type": "bio", "vars": {"artist": "Nina Simone", "genre": "jazz"}}
#   {"id": "img-1", "type": "image", "vars": {"subject": "a lighthouse"}, "priority": 5}
# Rows of a CSV file: ratebatch run artists.csv --type bio --id-column artist

# How long to wait after a refusal or a failure. These are the defaults.
retry:
  rate_limit: {retries: 5, base: 60s, max: 300s}                  # HTTP 429 that names no wait
  concurrency: {retries: 3, base: 2s, max: 6s, growth: linear}    # too many at once
  quota: {retries: 3, base: 300s, max: 1h, pause: 24h}            # a long quota is used up
  server: {retries: 3, base: 500ms, max: 4s}                      # 5xx, timeout, broken connection
  jitter: 0.10                                                    # share of a wait that is random

breaker: {failures: 5, open: 30s}   # a model whose server keeps failing stops, and is probed
)";

}  // namespace

std::string_view config_template() { return template_text; }

}  // namespace ratebatch::input
