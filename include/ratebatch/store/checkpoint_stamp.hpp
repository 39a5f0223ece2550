// What a checkpoint remembers of how it is to be run, for `resume`.
#pragma once

#include <string>

namespace ratebatch::store {

struct CheckpointStamp {
  bool sandbox = false;  // Its jobs went to the stand-in provider, not to real ones. For ever.
  std::string sandbox_options;  // As given, for the next run; empty for live ones.
  std::string config_path;      // Absolute path of the configuration used last; empty: none.

  friend bool operator==(const CheckpointStamp&, const CheckpointStamp&) = default;
};

}  // namespace ratebatch::store
