// What a job asks for, rendered: templates filled in, parameters merged. The input of a dialect.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "ratebatch/base/time.hpp"
#include "ratebatch/model/config.hpp"

namespace ratebatch::inline model {

// A file that is sent with a job: audio to transcribe, an image to look at.
struct JobFile {
  std::string path;   // As the job names it, relative to its job file's folder.
  std::string bytes;  // Filled in by the driver, just before the request is made.
};

struct JobContent {
  ModelKind kind = ModelKind::chat;  // Of the path of a raw body, else of the model.
  std::string id;                    // The user's id, for tracing; never part of what is asked.
  std::string system;                // May be empty.
  std::string prompt;                // May be empty where messages_json or body_json is given.
  std::string messages_json;         // A JSON array, as the job gave it; empty: none.
  std::string body_json;             // A whole request body, sent as it is; empty: none.
  std::string path;                // With body_json: "/v1/chat/completions"; empty: the kind's own.
  std::string params_json = "{}";  // Model's, type's and job's params, the later winning.
  std::vector<JobFile> files;      // In the job's order.
};

// Where the requests of a lane go.
struct Endpoint {
  std::string base_url;  // Without trailing slash.
  std::string model_id;
  ModelKind kind = ModelKind::chat;
  Duration timeout{};
  bool allow_http = false;
  std::string ca_file;
  std::optional<HttpApi> http;  // Of the dialect `http`.
};

}  // namespace ratebatch::inline model
