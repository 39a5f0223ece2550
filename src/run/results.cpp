#include "ratebatch/run/results.hpp"

#include "ratebatch/run/output_file.hpp"

namespace ratebatch::run {

Result<ResultsWritten> write_results(store::CheckpointReader& reader, store::ResultOrder order,
                                     std::int64_t cursor, const LineSink& sink) {
  ResultsWritten written{.cursor = cursor};
  auto all = reader.for_each_page(order, cursor, [&](const store::ResultPage& page) {
    written.results += page.rows;
    written.cursor = page.cursor;
    return sink(page.lines);
  });
  if (!all) return pass(all);
  return written;
}

Result<std::int64_t> write_results_file(store::CheckpointReader& reader, store::ResultOrder order,
                                        const std::string& path) {
  RB_TRY(file, OutputFile::create(path));
  auto written =
      write_results(reader, order, 0, [&](std::string_view lines) { return file->write(lines); });
  if (!written) return pass(written);
  RB_TRY(visible, file->commit());
  return written->results;
}

}  // namespace ratebatch::run
