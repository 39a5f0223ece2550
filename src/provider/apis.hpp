// The APIs that have a dialect of their own, each as the three functions of the Dialect port; see
// dialect.hpp for what they do and how they fail.
//
// Facts about each are from the provider's documentation (API reference, errors, rate limits), from
// its Python library where there is one, and from replies seen, as of 2026.
#pragma once

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::provider {

// OpenAI, and the many servers that speak its API: chat completions, responses, images, speech,
// transcriptions and embeddings. At Together.ai the parameters of images differ, and a speech job
// must name its voice.
Result<HttpRequest> openai_request(const JobContent& content, const Endpoint& endpoint);
Result<HttpRequest> together_request(const JobContent& content, const Endpoint& endpoint);
Outcome read_openai(const HttpReply& reply, const Endpoint& endpoint, const AskedFor& asked);

// Anthropic's Messages API (anthropic-version 2023-06-01): chat only.
//
// Differs from OpenAI's in what a job may notice: system text has a place of its own, where all
// system messages go. max_tokens is required, and 4,096 if the job has none: every model can write
// that much. There is no JSON mode and no seed: `format` json and `seed` are left out, for the
// prompt asks for JSON all the same and `accept` checks it. The input tokens of an answer are those
// that count against the limit and cost the full price or more; those read from the cache are left
// out: they do not count, and cost a tenth.
Result<HttpRequest> anthropic_request(const JobContent& content, const Endpoint& endpoint);
Outcome read_anthropic(const HttpReply& reply, const Endpoint& endpoint, const AskedFor& asked);

// Google's Gemini API (models/ID:generateContent): chat, image and transcription.
//
// A transcription is a chat about a sound: without a prompt the job asks for the bare transcript.
// Parameters with a neutral name go into generationConfig, as does what a job has under that name
// itself; others go to the top of the body (safetySettings, tools). An image's `size` becomes the
// nearest of the aspect ratios there are; `format` of an image cannot be chosen. Embeddings and
// speech are not spoken: the first are had through the API's OpenAI-compatible endpoint.
Result<HttpRequest> gemini_request(const JobContent& content, const Endpoint& endpoint);
Outcome read_gemini(const HttpReply& reply, const Endpoint& endpoint, const AskedFor& asked);

// ElevenLabs' API: speech (text-to-speech/VOICE) and transcription (speech-to-text).
//
// Of a speech job the parameter `voice` (a voice's id) is required. `format` is one of the API's
// own ("mp3_44100_128", "pcm_24000"), or mp3, wav, pcm, opus, ulaw, alaw for a common one of that
// kind. `speed` goes into voice_settings, `language` is language_code; others go into the body as
// they are, but for those that the API wants in the URL. Of a transcription, all parameters are
// fields of the form; the times of its words are left out unless one of them needs them. The
// characters charged are in a header of a speech reply; if it is missing they are not known.
Result<HttpRequest> elevenlabs_request(const JobContent& content, const Endpoint& endpoint);
Outcome read_elevenlabs(const HttpReply& reply, const Endpoint& endpoint, const AskedFor& asked);

// Any API that its user describes in the configuration, see HttpApi in model/config.hpp.
//
// Errors and limits are read as those of all APIs, from status, headers and the forms that error
// bodies have; the description says only what cannot be guessed.
// Precondition of both: the endpoint has `http`.
Result<HttpRequest> described_request(const JobContent& content, const Endpoint& endpoint);
Outcome read_described(const HttpReply& reply, const Endpoint& endpoint, const AskedFor& asked);

}  // namespace ratebatch::provider
