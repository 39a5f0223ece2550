#include "ratebatch/run/results.hpp"

#include "ratebatch/run/output_file.hpp"

namespace ratebatch {

Result<std::int64_t> write_results(CheckpointReader& reader, ResultOrder order,
                                   const LineSink& sink) {
  std::int64_t count = 0;
  auto all = reader.for_each_page(order, 0, [&](const ResultPage& page) {
    count += page.rows;
    return sink(page.lines);
  });
  if (!all) return pass(all);
  return count;
}

Result<std::int64_t> write_results_file(CheckpointReader& reader, ResultOrder order,
                                        const std::string& path) {
  auto file = OutputFile::create(path);
  if (!file) return pass(file);
  auto count =
      write_results(reader, order, [&](std::string_view lines) { return file->write(lines); });
  if (!count) return count;
  auto visible = file->commit();
  if (!visible) return pass(visible);
  return count;
}

}  // namespace ratebatch
