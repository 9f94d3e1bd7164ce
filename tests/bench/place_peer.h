#pragma once

#include <cstdint>
#include <optional>
#include <string>
#include <vector>

#include "controlnode/core/model.h"

namespace dure::bench {

// Ganeti's placement tools (Debian package ganeti-htools), run as programs on files.
class Ganeti {
 public:
  // Files go below this folder, which must be there.
  explicit Ganeti(std::string folder);
  ~Ganeti();
  Ganeti(const Ganeti&) = delete;
  Ganeti& operator=(const Ganeti&) = delete;

  bool has_hail() const { return !hail_.empty(); }
  bool has_hspace() const { return !hspace_.empty(); }
  std::string version() const;

  // Seconds for one decision on so many empty hosts, start of the process and reading of the file included.
  std::optional<double> decide(std::uint32_t hosts, control::Resources size, control::Resources wanted);

  struct Fill {
    double seconds = 0;
    std::uint64_t placed = 0;
  };
  // Places guests of one size until a host of each of them is full, without the checks for a host's failure.
  std::optional<Fill> fill(std::uint32_t hosts, control::Resources size, control::Resources wanted, int limit_seconds);

 private:
  std::string folder_, hail_, hspace_;
  std::vector<std::string> files_;
};

// What hspace leaves free on an empty host of the size it is told (its simulation keeps 64 MiB of each).
inline constexpr std::int64_t kGanetiKeeps = 64;

}  // namespace dure::bench
