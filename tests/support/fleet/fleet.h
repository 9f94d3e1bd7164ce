#pragma once

#include <cstddef>
#include <string>

#include "common/result.h"

namespace dure::fleet {

// Many agents in one process: the real agent loop and the real channel, over fakes with behaviour
// instead of libvirt, kernel and disks. For tests and measurements of the control node.

// Writes DIR/<n>/{host_id,curve.key,curve.pub} for n = 0..count-1; what exists is kept.
Result<void> make_keys(const std::string& directory, std::size_t count);

struct FleetOptions {
  std::string directory;   // as made by make_keys
  std::size_t count = 0;
  std::string endpoint;    // of the control node
  std::string bundle;      // its agent-bundle.toml
};

// Runs until SIGTERM.
Result<void> run(const FleetOptions& options);

}  // namespace dure::fleet
