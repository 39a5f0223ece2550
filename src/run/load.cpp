#include "ratebatch/run/load.hpp"

#include <fmt/format.h>

#include <filesystem>
#include <optional>
#include <string_view>
#include <utility>

#include "ratebatch/base/ascii.hpp"
#include "ratebatch/base/text.hpp"
#include "ratebatch/input/check_job.hpp"
#include "ratebatch/input/job_file.hpp"
#include "ratebatch/run/output_file.hpp"

namespace ratebatch::run {
namespace {

// By AddedAs, up to kept.
constexpr std::array counters = {&LoadReport::added, &LoadReport::same, &LoadReport::updated,
                                 &LoadReport::kept};

store::FileStamp to_store(const input::JobFileStamp& stamp) {
  return {stamp.path, stamp.inode, stamp.size, stamp.mtime_ns};
}

store::NewJob to_store(input::JobLine& line, std::string_view text, std::int64_t number) {
  store::NewJob job;
  job.id = std::move(line.id);
  job.type = std::move(line.type);
  job.model = std::move(line.model);
  job.priority = line.priority;
  job.line_json = text;
  job.metadata_json = std::move(line.metadata_json);
  job.line = number;
  job.size = line.size;
  return job;
}

class Load {
 public:
  Load(store::JobLoader& loader, const Config& config, const LoadOptions& options)
      : loader_(loader), checker_(config), options_(options) {
    origin_.kind_of = [&config](std::string_view name) {
      const auto model = find_model(config, name);
      return model ? model->kind : kind_of_id(name);
    };
  }

  Result<void> file(const std::string& path) {
    origin_.file = path == "-" ? "stdin" : std::filesystem::path(path).stem().string();
    if (input::is_csv_file(path)) return csv_file(path);
    RB_TRY(reader, input::JobFileReader::open(path));
    const store::FileStamp stamp = to_store(reader->stamp());
    RB_TRY(known, loader_.stamp_of(stamp.path));
    if (known.value() == stamp && stamp.path != "-") {
      ++report_.files_unchanged;
      return {};
    }
    RB_TRY(taken, take_all(path, *reader));
    if (!std::exchange(torn_here_, false)) return {};
    // A file that was not taken whole must not count as known: it is read again next time.
    store::FileStamp unfinished = stamp;
    unfinished.size = -1;
    return loader_.begin_file(unfinished);
  }

  Result<LoadReport> finish() {
    if (error_count_ > 0) return fail(ErrorCode::invalid_input, complaint());
    // Before the jobs: a file that is stored as loaded is not read again, so its bad lines must be
    // safe by then.
    for (OutputFile& file : rejects_done_) {
      RB_TRY(visible, file.commit());
    }
    RB_TRY(committed, loader_.commit());
    return std::move(report_);
  }

 private:
  // Always read: with other options an unchanged file holds other jobs.
  Result<void> csv_file(const std::string& path) {
    RB_TRY(reader, input::CsvFileReader::open(path, options_.csv));
    csv_header_ = reader->header();
    auto taken = take_all(path, *reader);
    csv_header_.reset();
    return taken;
  }

  template <typename Reader>
  Result<void> take_all(const std::string& path, Reader& reader) {
    file_ = reader.stamp().path;
    RB_TRY(begun, loader_.begin_file(to_store(reader.stamp())));
    while (true) {
      RB_TRY(read, reader.next());
      std::optional<input::FileLine>& line = read.value();
      if (!line) break;
      RB_TRY(taken, take(path, *line));
    }
    return close_rejects();
  }

  Result<void> take(const std::string& path, input::FileLine& line) {
    switch (line.kind) {
      case input::LineKind::torn:
        torn_here_ = true;
        report_.notes.push_back(
            fmt::format("{}:{}: the last line is not complete yet; it is left for the next run",
                        escaped(path), line.number));
        return {};
      case input::LineKind::too_long:
        return refuse(path, line,
                      fmt::format("the line is longer than {} bytes",
                                  grouped(static_cast<std::int64_t>(input::job_line_bytes_max))));
      case input::LineKind::bad:
        return refuse(path, line, line.problem);
      case input::LineKind::text:
        return take_text(path, line);
    }
    return {};
  }

  Result<void> take_text(const std::string& path, const input::FileLine& line) {
    // Files that were put together bring byte order marks in their middle.
    std::string_view text = trimmed(without_byte_order_mark(line.text));
    RB_TRY(stored, is_known(line, text));
    if (*stored) return {};
    origin_.line = line.number;
    auto job = parser_.parse(text, &origin_);
    if (!job) return refuse(path, line, job.error().message);
    const std::string as_stored = std::move(job->as_stored);
    if (!as_stored.empty()) {
      text = as_stored;
      stored = is_known(line, text);
      if (!stored) return pass(stored);
      if (*stored) return {};
    }
    const auto fits = checker_.check(*job);
    if (!fits) return refuse(path, line, fits.error().message);
    if (options_.also_check) {
      const auto also_fits = options_.also_check(*job, file_);
      if (!also_fits) return refuse(path, line, also_fits.error().message);
    }
    const std::string id = job->id;
    const input::JobForm form = csv_header_ ? input::JobForm::csv : job->form;
    RB_TRY(added, loader_.add(to_store(*job, text, line.number), options_.update));
    if (added->as == store::AddedAs::conflict) {
      return refuse(path, line,
                    fmt::format("id '{}' was loaded from {}:{} with other content; give this job "
                                "another id, or accept the change with --update",
                                escaped(id), escaped(added->first_file), added->first_line));
    }
    ++report_.forms[static_cast<std::size_t>(form)];
    ++(report_.*counters[static_cast<std::size_t>(added->as)]);
    return {};
  }

  // True, and counted, if this text is stored as that line.
  Result<bool> is_known(const input::FileLine& line, std::string_view text) {
    auto stored = loader_.is_stored(line.number, text);
    if (stored && *stored) ++report_.same;
    return stored;
  }

  Result<void> refuse(const std::string& path, const input::FileLine& line, std::string why) {
    input::LineError error{path, line.number, std::move(why)};
    if (options_.skip_invalid) return reject(path, line, error);
    ++error_count_;
    if (errors_.size() < line_errors_shown_max) errors_.push_back(std::move(error));
    return {};
  }

  Result<void> reject(const std::string& path, const input::FileLine& line,
                      const input::LineError& error) {
    if (report_.rejected++ < static_cast<std::int64_t>(line_errors_shown_max)) {
      report_.notes.push_back(input::to_text(error));
    }
    const std::string& text = csv_header_ ? line.source : line.text;
    // That of an overlong line is gone: it stays in the job file only.
    if (text.empty()) return {};
    ++rejected_here_;
    if (!rejects_) {
      const std::string_view ending = csv_header_ ? ".rejects.csv" : ".rejects.jsonl";
      rejects_path_ = fmt::format("{}{}", path == "-" ? "stdin" : path, ending);
      RB_TRY(file, OutputFile::create(rejects_path_));
      rejects_.emplace(std::move(*file));
      RB_TRY(headed, rejects_->write(csv_header_ ? *csv_header_ + "\n" : ""));
    }
    return rejects_->write(text + "\n");
  }

  Result<void> close_rejects() {
    if (!rejects_) return {};
    report_.notes.push_back(fmt::format("{} not loaded; see {}",
                                        counted(rejected_here_, "bad line was", "bad lines were"),
                                        escaped(rejects_path_)));
    rejects_done_.push_back(std::move(*rejects_));
    rejects_.reset();
    rejected_here_ = 0;
    return {};
  }

  [[nodiscard]] std::string complaint() const {
    std::string text;
    for (const input::LineError& error : errors_) text += input::to_text(error) + "\n";
    const auto more = error_count_ - static_cast<std::int64_t>(errors_.size());
    if (more > 0) text += fmt::format("and {} more\n", counted(more, "bad line", "bad lines"));
    return text + fmt::format(
                      "{}: nothing was loaded; mend {}, or load the rest with "
                      "run --skip-invalid",
                      counted(error_count_, "bad line", "bad lines"),
                      error_count_ == 1 ? "it" : "them");
  }

  store::JobLoader& loader_;
  input::JobLineParser parser_;
  input::JobChecker checker_;
  const LoadOptions& options_;
  input::LineOrigin origin_;
  std::string file_;                       // Being read: absolute.
  std::optional<std::string> csv_header_;  // Of the file being read, if it is CSV.
  LoadReport report_;
  std::vector<input::LineError> errors_;
  std::int64_t error_count_ = 0;
  std::optional<OutputFile> rejects_;
  std::string rejects_path_;
  std::int64_t rejected_here_ = 0;
  bool torn_here_ = false;
  std::vector<OutputFile> rejects_done_;  // Made visible once the load is stored.
};

}  // namespace

Result<LoadReport> load_files(store::JobLoader& loader, const Config& config,
                              const std::vector<std::string>& files, const LoadOptions& options) {
  Load load{loader, config, options};
  for (const std::string& path : files) {
    RB_TRY(loaded, load.file(path));
  }
  return load.finish();
}

}  // namespace ratebatch::run
