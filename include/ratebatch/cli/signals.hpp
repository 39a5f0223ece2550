// Signals as facts for the loop: a handler writes one byte into a pipe, the loop reads it.
//
// The first SIGINT, SIGTERM or SIGHUP asks for an orderly stop with the grace time, the second for
// one at once; before the third the default action is back, so that it ends the program even where
// the loop hangs. A signal that was ignored when the program started (nohup, a job in the
// background of a script) stays ignored. Only one StopSignals may exist at a time.
#pragma once

#include <csignal>
#include <memory>
#include <optional>
#include <vector>

#include "ratebatch/base/file.hpp"
#include "ratebatch/base/result.hpp"
#include "ratebatch/base/time.hpp"
#include "ratebatch/run/driver.hpp"

namespace ratebatch::cli {

class StopSignals final : public run::Interrupts {
 public:
  // Installs the handlers. Fails with io where no pipe can be had.
  static Result<std::unique_ptr<StopSignals>> install(Duration grace);

  StopSignals(const StopSignals&) = delete;
  StopSignals& operator=(const StopSignals&) = delete;

  // Puts the handlers back that were there before.
  ~StopSignals() override;

  // Readable once a signal came that `take` has not seen.
  [[nodiscard]] int descriptor() const { return read_end_.get(); }

  std::optional<event::StopRequested> take() override;

  // Which signal came first, as far as `take` saw one.
  [[nodiscard]] std::optional<int> first_signal() const { return first_; }

 private:
  struct Saved {
    int signal = 0;
    struct sigaction action{};
  };

  StopSignals(Duration grace, int read_end, int write_end)
      : grace_(grace), read_end_(read_end), write_end_(write_end) {}

  Duration grace_;
  Descriptor read_end_;
  Descriptor write_end_;
  std::vector<Saved> saved_;
  std::optional<int> first_;
};

}  // namespace ratebatch::cli
