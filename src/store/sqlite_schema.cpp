#include "store/sqlite_schema.hpp"

#include <array>
#include <string>

#include "ratebatch/base/text.hpp"
#include "store/database_file.hpp"

namespace ratebatch::store {
namespace {

// States of a job are the numbers of JobState: 0 pending, 1 running, 2 fetching, 3 unknown, 4 held,
// 5 done, 6 failed, 7 cancelled.
constexpr const char* format_1 = R"sql(
CREATE TABLE meta (
  key TEXT PRIMARY KEY,
  value TEXT NOT NULL
) STRICT, WITHOUT ROWID;

CREATE TABLE files (
  id INTEGER PRIMARY KEY,
  path TEXT NOT NULL UNIQUE,
  inode INTEGER NOT NULL,
  size INTEGER NOT NULL,
  mtime_ns INTEGER NOT NULL
) STRICT;

CREATE TABLE routes (
  id INTEGER PRIMARY KEY,
  type TEXT NOT NULL,
  model TEXT NOT NULL,
  UNIQUE (type, model)
) STRICT;

CREATE TABLE lanes (
  id INTEGER PRIMARY KEY,
  model TEXT NOT NULL,
  provider TEXT NOT NULL,
  in_run INTEGER NOT NULL CHECK (in_run IN (0, 1)),
  state TEXT NOT NULL,
  reason TEXT NOT NULL,
  until_ms INTEGER,
  UNIQUE (model, provider)
) STRICT;

CREATE TABLE keys (
  id INTEGER PRIMARY KEY,
  name TEXT NOT NULL UNIQUE
) STRICT;

CREATE TABLE limits (
  scope TEXT NOT NULL,
  name TEXT NOT NULL,
  arrival_ns INTEGER NOT NULL,
  PRIMARY KEY (scope, name)
) STRICT, WITHOUT ROWID;

CREATE TABLE runs (
  id INTEGER PRIMARY KEY,
  pid INTEGER NOT NULL,
  started_ms INTEGER NOT NULL,
  workers INTEGER NOT NULL,
  ended_ms INTEGER,
  exit_code INTEGER,
  reason TEXT,
  CHECK ((ended_ms IS NULL) = (exit_code IS NULL)),
  CHECK ((ended_ms IS NULL) = (reason IS NULL))
) STRICT;

CREATE TABLE recipes (
  id INTEGER PRIMARY KEY,
  hash TEXT NOT NULL UNIQUE,
  json TEXT NOT NULL,
  results INTEGER NOT NULL CHECK (results >= 0)
) STRICT;

CREATE TABLE jobs (
  seq INTEGER PRIMARY KEY,
  id TEXT NOT NULL UNIQUE CHECK (length(CAST(id AS BLOB)) BETWEEN 1 AND 256),
  file_id INTEGER NOT NULL REFERENCES files (id),
  line INTEGER NOT NULL CHECK (line >= 1),
  load INTEGER NOT NULL,
  line_json TEXT NOT NULL
) STRICT;

CREATE TABLE states (
  seq INTEGER PRIMARY KEY REFERENCES jobs (seq),
  route_id INTEGER NOT NULL REFERENCES routes (id),
  priority INTEGER NOT NULL,
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
  attempts INTEGER NOT NULL DEFAULT 0 CHECK (attempts >= 0),
  retries_used INTEGER NOT NULL DEFAULT 0 CHECK (retries_used >= 0),
  unknowns INTEGER NOT NULL DEFAULT 0 CHECK (unknowns >= 0),
  truncated INTEGER NOT NULL DEFAULT 0 CHECK (truncated IN (0, 1)),
  ready_at_ms INTEGER,
  started_at_ms INTEGER,
  lane_id INTEGER REFERENCES lanes (id),
  key_id INTEGER REFERENCES keys (id),
  finished_at_ms INTEGER,
  CHECK ((state = 1) = (started_at_ms IS NOT NULL)),
  CHECK ((state = 1) = (lane_id IS NOT NULL)),
  CHECK ((state = 1) = (key_id IS NOT NULL)),
  CHECK ((state IN (5, 6)) = (finished_at_ms IS NOT NULL)),
  CHECK (state IN (0, 7) OR attempts >= 1),
  CHECK (truncated = 0 OR state = 5),
  CHECK (ready_at_ms IS NULL OR state = 0)
) STRICT;
CREATE INDEX startable ON states (route_id, priority DESC, seq) WHERE state IN (0, 3);

CREATE TABLE attempts (
  seq INTEGER NOT NULL REFERENCES jobs (seq),
  number INTEGER NOT NULL CHECK (number >= 1),
  lane_id INTEGER NOT NULL REFERENCES lanes (id),
  key_id INTEGER NOT NULL REFERENCES keys (id),
  started_ms INTEGER NOT NULL,
  ended_ms INTEGER NOT NULL,
  class TEXT NOT NULL,
  http_status INTEGER NOT NULL CHECK (http_status >= 0),
  sent INTEGER NOT NULL CHECK (sent IN (0, 1)),
  wait_ms INTEGER NOT NULL CHECK (wait_ms >= 0),
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  images INTEGER NOT NULL,
  request_id TEXT NOT NULL,
  message TEXT NOT NULL,
  PRIMARY KEY (seq, number)
) STRICT, WITHOUT ROWID;

CREATE TABLE results (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL UNIQUE REFERENCES jobs (seq),
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  failed INTEGER NOT NULL CHECK (failed IN (0, 1)),
  recipe_id INTEGER REFERENCES recipes (id),
  finished_ms INTEGER NOT NULL,
  latency_ms INTEGER NOT NULL CHECK (latency_ms >= 0),
  input_tokens INTEGER NOT NULL,
  output_tokens INTEGER NOT NULL,
  images INTEGER NOT NULL,
  finish_reason TEXT NOT NULL,
  files TEXT,
  body_json TEXT,
  text TEXT,
  CHECK (failed = 1 OR text IS NOT NULL)
) STRICT;

-- Counters, changed with what they count.
CREATE TABLE state_counts (
  route_id INTEGER NOT NULL REFERENCES routes (id),
  state INTEGER NOT NULL CHECK (state BETWEEN 0 AND 7),
  jobs INTEGER NOT NULL CHECK (jobs >= 0),
  PRIMARY KEY (route_id, state)
) STRICT, WITHOUT ROWID;

CREATE TABLE route_totals (
  route_id INTEGER PRIMARY KEY REFERENCES routes (id),
  truncated INTEGER NOT NULL CHECK (truncated >= 0),
  answers INTEGER NOT NULL CHECK (answers >= 0),
  input_tokens INTEGER NOT NULL CHECK (input_tokens >= 0),
  output_tokens INTEGER NOT NULL CHECK (output_tokens >= 0)
) STRICT;

CREATE TABLE failure_counts (
  class TEXT PRIMARY KEY,
  jobs INTEGER NOT NULL CHECK (jobs >= 0)
) STRICT, WITHOUT ROWID;

CREATE TABLE call_counts (
  id INTEGER PRIMARY KEY CHECK (id = 1),
  sent INTEGER NOT NULL CHECK (sent >= 0),
  resent INTEGER NOT NULL CHECK (resent BETWEEN 0 AND sent),
  rate_limited INTEGER NOT NULL CHECK (rate_limited BETWEEN 0 AND sent),
  input_tokens INTEGER NOT NULL CHECK (input_tokens >= 0),
  output_tokens INTEGER NOT NULL CHECK (output_tokens >= 0),
  images INTEGER NOT NULL CHECK (images >= 0)
) STRICT;
INSERT INTO call_counts VALUES (1, 0, 0, 0, 0, 0, 0);
)sql";

// Results become the very lines that are printed, and jobs say where in their line the metadata
// stand, which are carried to the result.
constexpr const char* format_2 = R"sql(
ALTER TABLE jobs ADD COLUMN metadata_at INTEGER NOT NULL DEFAULT 0 CHECK (metadata_at >= 0);
ALTER TABLE jobs ADD COLUMN metadata_bytes INTEGER NOT NULL DEFAULT 0 CHECK (metadata_bytes >= 0);
UPDATE jobs SET
  metadata_bytes = length(CAST(line_json -> '$.metadata' AS BLOB)),
  metadata_at = instr(CAST(line_json AS BLOB), CAST(line_json -> '$.metadata' AS BLOB)) - 1
WHERE json_type(line_json, '$.metadata') = 'object'
  AND instr(CAST(line_json AS BLOB), CAST(line_json -> '$.metadata' AS BLOB)) > 0;

-- Where to begin when a file is read again: its jobs stand from here on.
ALTER TABLE files ADD COLUMN first_seq INTEGER;
UPDATE files SET first_seq = firsts.seq
FROM (SELECT file_id, min(seq) AS seq FROM jobs GROUP BY file_id) AS firsts
WHERE firsts.file_id = files.id;

-- In order of finishing. The small columns come first, so that reading them alone never touches
-- the overflow pages of a long answer. `record` is the answer as one line of JSON; `failure`
-- likewise, while the job is failed. A failed job has a record only from an earlier time when it
-- was done.
CREATE TABLE new_results (
  id INTEGER PRIMARY KEY,
  seq INTEGER NOT NULL UNIQUE REFERENCES jobs (seq),
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  failed INTEGER NOT NULL CHECK (failed IN (0, 1)),
  recipe_id INTEGER REFERENCES recipes (id),
  finished_ms INTEGER NOT NULL,
  latency_ms INTEGER NOT NULL CHECK (latency_ms >= 0),
  failure TEXT,
  record TEXT,
  CHECK (failed = (failure IS NOT NULL)),
  CHECK (failed = 1 OR record IS NOT NULL)
) STRICT;

WITH old AS (
  SELECT r.*, a.class, a.message, jobs.id AS job, states.attempts,
    iif(routes.type = '', '', ',"type":' || json_quote(routes.type)) AS type_json,
    ',"model":' || json_quote(lanes.model) AS model_json,
    ',"attempts":' || states.attempts || ',"finished_at":'
      || json_quote(strftime('%Y-%m-%dT%H:%M:%fZ', r.finished_ms / 1000.0, 'unixepoch'))
      AS end_json,
    iif(meta.value = '1', ',"sandbox":true', '') || iif(jobs.metadata_bytes > 0, ',"metadata":'
      || CAST(substr(CAST(jobs.line_json AS BLOB), jobs.metadata_at + 1, jobs.metadata_bytes)
        AS TEXT), '') || '}' AS last_json
  FROM results AS r JOIN jobs USING (seq) JOIN states USING (seq)
    JOIN routes ON routes.id = states.route_id
    JOIN attempts AS a ON a.seq = r.seq AND a.number = r.attempt
    JOIN lanes ON lanes.id = a.lane_id
    LEFT JOIN meta ON meta.key = 'sandbox')
INSERT INTO new_results
SELECT id, seq, attempt, failed, recipe_id, finished_ms, latency_ms,
  iif(failed, '{"id":' || json_quote(job) || type_json || ',"status":"failed"' || model_json
    || end_json || ',"error":' || json_object('class', class, 'message', message) || last_json,
    NULL),
  '{"id":' || json_quote(job) || type_json || ',"status":"done"' || model_json
    || iif(files IS NULL, '', ',"files":' || files)
    || CASE
      WHEN body_json IS NOT NULL THEN ',"body":'
        || iif(json_valid(body_json), json(body_json), json_quote(body_json))
      WHEN files IS NULL OR text <> '' THEN ',"text":' || json_quote(text)
      ELSE '' END
    || iif(finish_reason = '', '', ',"finish_reason":' || json_quote(finish_reason))
    || iif(input_tokens + output_tokens + images = 0, '', ',"usage":'
      || json_patch('{}', json_object('input_tokens', nullif(input_tokens, 0),
        'output_tokens', nullif(output_tokens, 0), 'images', nullif(images, 0))))
    || end_json || last_json || iif(text IS NULL, NULL, '')
FROM old;
DROP TABLE results;
ALTER TABLE new_results RENAME TO results;
)sql";

// What quota, waits and learned values are; what a job line says of its size; and money. Of the
// pacing of format 2 a burst at most is lost.
constexpr const char* format_3 = R"sql(
DROP TABLE limits;
CREATE TABLE remembered (
  scope TEXT NOT NULL,
  item TEXT NOT NULL,
  value TEXT NOT NULL CHECK (value <> ''),
  PRIMARY KEY (scope, item)
) STRICT, WITHOUT ROWID;

ALTER TABLE states ADD COLUMN input_bytes INTEGER NOT NULL DEFAULT 0 CHECK (input_bytes >= 0);
ALTER TABLE states ADD COLUMN output_max INTEGER NOT NULL DEFAULT 0 CHECK (output_max >= 0);
ALTER TABLE states ADD COLUMN images INTEGER NOT NULL DEFAULT 0 CHECK (images >= 0);
ALTER TABLE states ADD COLUMN raw_body INTEGER NOT NULL DEFAULT 0 CHECK (raw_body IN (0, 1));
UPDATE states SET input_bytes = length(CAST(line_json AS BLOB)), raw_body = (body IS NOT NULL)
FROM (SELECT seq AS job, line_json, line_json -> '$.body' AS body FROM jobs)
WHERE job = seq AND state IN (0, 1, 3, 4, 6);

-- In pico-USD, by the prices configured when the answer came.
ALTER TABLE attempts ADD COLUMN cost_pico_usd INTEGER NOT NULL DEFAULT 0;
ALTER TABLE call_counts ADD COLUMN cost_pico_usd INTEGER NOT NULL DEFAULT 0
  CHECK (cost_pico_usd >= 0);
)sql";

// Answers that announced files which are still to be downloaded, what becomes of answers that are
// refused, and by which recipe a route's jobs are done now.
constexpr const char* format_4 = R"sql(
-- One row for each job that is fetching. `links` and `files` are JSON arrays, `content` is the part
-- of the record-to-be that tells of the answer.
CREATE TABLE fetches (
  seq INTEGER PRIMARY KEY REFERENCES jobs (seq),
  attempt INTEGER NOT NULL CHECK (attempt >= 1),
  tries INTEGER NOT NULL CHECK (tries >= 0),
  ready_at_ms INTEGER,
  recipe_id INTEGER REFERENCES recipes (id),
  latency_ms INTEGER NOT NULL CHECK (latency_ms >= 0),
  truncated INTEGER NOT NULL CHECK (truncated IN (0, 1)),
  links TEXT NOT NULL CHECK (links LIKE '["%"]'),
  files TEXT NOT NULL CHECK (files LIKE '[%]'),
  content TEXT NOT NULL
) STRICT;

ALTER TABLE states ADD COLUMN rejections INTEGER NOT NULL DEFAULT 0 CHECK (rejections >= 0);

-- As of the last run that served the route; of older databases, that of its latest answer.
ALTER TABLE routes ADD COLUMN recipe_id INTEGER REFERENCES recipes (id);
UPDATE routes SET recipe_id = latest.recipe_id
FROM (SELECT states.route_id, results.recipe_id, max(results.id) FROM results
  JOIN states USING (seq) WHERE results.recipe_id IS NOT NULL GROUP BY states.route_id) AS latest
WHERE latest.route_id = routes.id;
)sql";

constexpr std::array<const char*, 4> all_migrations = {format_1, format_2, format_3, format_4};

}  // namespace

std::span<const char* const> migrations() { return all_migrations; }

Result<std::int64_t> format_of(Connection& connection, const std::string& path,
                               std::int64_t newest) {
  constexpr const char* operation = "read the header";
  RB_TRY(id, connection.integer(operation, "PRAGMA application_id"));
  RB_TRY(version, connection.integer(operation, "PRAGMA user_version"));
  if (*id == 0 && *version == 0) {
    RB_TRY(tables, connection.integer(operation, "SELECT count(*) FROM sqlite_schema"));
    if (*tables == 0) return 0;
  }
  if (*id != application_id || *version < 1) {
    return fail(ErrorCode::foreign, shown(path) + " is not a ratebatch database");
  }
  if (*version > newest) {
    return fail(ErrorCode::foreign, shown(path) + " was made by a newer ratebatch (format " +
                                        std::to_string(*version) + ", this one knows " +
                                        std::to_string(newest) + "); install a newer version");
  }
  return *version;
}

Result<void> refuse_foreign_file(const std::string& path) {
  RB_TRY(connection, Connection::open(path, Connection::Access::immutable));
  auto format = format_of(*connection, path, std::ssize(migrations()));
  // Without its log a database of ours may look damaged: that is for the real opening to judge.
  if (!format && format.error().code == ErrorCode::foreign) return pass(format);
  return {};
}

Result<void> configure_writer(Connection& connection, const std::string& path) {
  // journal_size_limit: without it the log keeps the largest size it ever had. temp_store: a full
  // temporary directory must not look like a full database disk.
  RB_TRY(set, connection.execute(
                  "set up writing",
                  "PRAGMA synchronous = FULL; PRAGMA temp_store = MEMORY; PRAGMA mmap_size = 0;"
                  "PRAGMA journal_size_limit = 16777216"));
  RB_TRY(mode, connection.first("set up the write-ahead log", "PRAGMA journal_mode = WAL",
                                [](const Statement& row) { return row.text(0); }));
  if (*mode != "wal") {
    return fail(ErrorCode::io, "cannot keep a write-ahead log for " + shown(path) +
                                   "; put the database on a local file system");
  }
  return {};
}

Result<void> migrate(Connection& connection, const std::string& path,
                     std::span<const char* const> steps) {
  const std::int64_t newest = std::ssize(steps);
  RB_TRY(before, format_of(connection, path, newest));
  if (*before == newest) return {};
  for (const char* step : steps.subspan(static_cast<std::size_t>(*before))) {
    RB_TRY(applied, connection.execute("change the format", step));
  }
  const std::string marks = "PRAGMA application_id = " + std::to_string(application_id) +
                            "; PRAGMA user_version = " + std::to_string(newest);
  return connection.execute("mark the format", marks.c_str());
}

}  // namespace ratebatch::store
