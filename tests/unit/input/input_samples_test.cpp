#include <doctest/doctest.h>

#include <set>
#include <string>

#include "ratebatch/input/config_file.hpp"
#include "ratebatch/input/job_file.hpp"
#include "ratebatch/input/job_line.hpp"
#include "ratebatch/input/render_job.hpp"
#include "support/input_support.hpp"

namespace ratebatch::input_samples_test {

using namespace input;
using namespace input_support;

namespace {

const std::string jobs_folder = RATEBATCH_SOURCE_DIR "/jobs";

TEST_CASE("every line of the samples is read, checked and rendered") {
  const auto config = read_config(jobs_folder + "/ratebatch.yaml");
  REQUIRE_MESSAGE(config.has_value(), message_of(config));
  int files = 0;
  for (const auto& entry : std::filesystem::directory_iterator(jobs_folder)) {
    if (entry.path().extension() != ".jsonl") continue;
    ++files;
    auto reader = JobFileReader::open(entry.path().string());
    REQUIRE(reader.has_value());
    std::set<std::string> ids;
    for (;;) {
      auto line = reader->next();
      REQUIRE(line.has_value());
      if (!*line) break;
      CAPTURE(entry.path().string());
      CAPTURE((*line)->number);
      REQUIRE((*line)->kind == LineKind::text);
      const auto job = parse_job_line((*line)->text);
      REQUIRE_MESSAGE(job.has_value(), message_of(job));
      const auto checked = JobChecker{*config}.check(*job);
      REQUIRE_MESSAGE(checked.has_value(), message_of(checked));
      const auto content = render_job((*line)->text, *config);
      REQUIRE_MESSAGE(content.has_value(), message_of(content));
      CHECK(content->prompt.find("{{") == std::string::npos);
      CHECK(ids.insert(job->id).second);
    }
    CHECK(ids.size() >= 40);
  }
  CHECK(files >= 4);
}

TEST_CASE("the configuration that init writes is valid and fits its own examples") {
  const auto config = parse_config(config_template(), "ratebatch.yaml");
  REQUIRE_MESSAGE(config.has_value(), message_of(config));
  CHECK(config->retry == RetrySettings{});
  CHECK(config->models.size() == 2);
  CHECK(config_template().ends_with('\n'));
  int examples = 0;
  std::string_view rest = config_template();
  constexpr std::string_view mark = "#   {\"id\"";
  for (std::size_t at = rest.find(mark); at != std::string_view::npos; at = rest.find(mark)) {
    rest.remove_prefix(at + 4);
    const auto job = parse_job_line(rest.substr(0, rest.find('\n')));
    REQUIRE_MESSAGE(job.has_value(), message_of(job));
    const auto checked = JobChecker{*config}.check(*job);
    CHECK_MESSAGE(checked.has_value(), message_of(checked));
    ++examples;
  }
  CHECK(examples == 2);
}

}  // namespace
}  // namespace ratebatch::input_samples_test
