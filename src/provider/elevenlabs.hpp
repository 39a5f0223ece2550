// ElevenLabs' API: speech (text-to-speech/VOICE) and transcription (speech-to-text).
//
// Of a speech job the parameter `voice` (a voice's id) is required. `format` is one of the API's
// own ("mp3_44100_128", "pcm_24000"), or mp3, wav, pcm, opus, ulaw, alaw for a common one of that
// kind. `speed` goes into voice_settings, `language` is language_code; others go into the body as
// they are, but for those that the API wants in the URL. Of a transcription, all parameters are
// fields of the form; the times of its words are left out unless one of them needs them. The
// characters charged are in a header of a speech reply; where it is missing they are not known.
//
// Facts are from the provider's documentation (API reference, errors) and its Python library, as
// of 2026.
#pragma once

#include "ratebatch/provider/dialect.hpp"

namespace ratebatch::provider {

class ElevenLabsDialect final : public Dialect {
 public:
  [[nodiscard]] Result<HttpRequest> request(const JobContent& content,
                                            const Endpoint& endpoint) const override;
  [[nodiscard]] KeyHeader key_header(const Endpoint& endpoint) const override;
  [[nodiscard]] Outcome read(const HttpReply& reply, const Endpoint& endpoint,
                             const AskedFor& asked) const override;
};

}  // namespace ratebatch::provider
