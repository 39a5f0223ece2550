// What the requests of all dialects have in common.
#pragma once

#include <string>
#include <string_view>
#include <utility>

#include "ratebatch/base/result.hpp"
#include "ratebatch/model/http.hpp"
#include "ratebatch/model/job_content.hpp"

namespace ratebatch::provider {

// A job that cannot be expressed, with the reason for the user.
inline tl::unexpected<Error> bad_job(std::string message) {
  return fail(ErrorCode::invalid_input, std::move(message));
}

bool is_printable_ascii(std::string_view text);

// The media types of a request's body and of the reply it asks for.
struct MediaTypes {
  std::string_view content = "application/json";
  std::string_view accept = "application/json";
};

// A POST to `url` that is ready but for its body and key: timeouts and TLS as the endpoint says,
// the headers content-type and accept, and the job's id as x-client-request-id where a header may
// hold it.
HttpRequest framed_request(const JobContent& content, const Endpoint& endpoint, std::string url,
                           const MediaTypes& types = {});

// base_url and path, with the "/v1" that both may have only once. Fails with invalid_input where
// the path could leave its host.
Result<std::string> joined_url(std::string_view base_url, std::string_view path);

// The framed request to a path below base_url, see joined_url, with this body. Fails as `body` and
// joined_url do.
Result<HttpRequest> posted(const JobContent& content, const Endpoint& endpoint,
                           std::string_view path, Result<std::string> body,
                           const MediaTypes& types = {});

// The job's own body, as it is. Fails with invalid_input if it is no JSON object or asks to be
// streamed.
Result<std::string> whole_body(const JobContent& content);

// Fails with invalid_input if messages_json is no JSON array with an element.
Result<void> check_messages(const JobContent& content);

}  // namespace ratebatch::provider
