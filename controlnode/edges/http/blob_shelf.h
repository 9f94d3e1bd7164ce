#pragma once

#include <chrono>
#include <cstdint>
#include <map>
#include <mutex>
#include <optional>
#include <set>
#include <string>

#include "common/digest.h"
#include "common/result.h"
#include "common/time.h"

namespace dure::control {

// The directory of files by digest that agents fetch. A file under its final name is complete and
// read-only.
class BlobShelf {
 public:
  explicit BlobShelf(std::string directory) : directory_(std::move(directory)) {}

  // Makes the directories and drops what interrupted uploads have left.
  Result<void> open();
  std::optional<std::uint64_t> size_of(const Digest& digest) const;
  std::string path_of(const Digest& digest) const;
  // A fresh name for an upload; unique within this process.
  std::string incoming();

  struct Kept {
    Digest digest;
    std::uint64_t size_bytes = 0;
  };
  // Hashes the received file and moves it to its name; `expected` all zero: whatever it is. A qcow2
  // that refers to another file is refused: it would read the host's.
  Result<Kept> keep(const std::string& incoming, const Digest& expected);
  // Somebody is about to refer to it.
  void touch(const Digest& digest);
  // Removes what nothing refers to and nobody has touched for so long: by its file's date, and since this program runs also
  // by a clock that nobody sets. How many files, and of how many bytes.
  struct Swept {
    std::size_t files = 0;
    std::uint64_t bytes = 0;
  };
  Swept sweep(const std::set<Digest>& referred, Duration untouched);

 private:
  using Steady = std::chrono::steady_clock;
  bool touched_since(const Digest& digest, Steady::time_point since);

  std::string directory_;
  std::mutex mutex_;                               // uploads and sweeps are on threads of their own
  std::map<Digest, Steady::time_point> touched_;   // by this program, since the last sweep that found it older
  std::uint64_t next_ = 0;
};

// qcow2 header (https://www.qemu.org/docs/master/interop/qcow2.html): refused when it has a backing
// file, an external data file, encryption, or features that we do not know. Other formats pass:
// they are only ever opened with an explicit format.
Result<void> check_disk_header(std::string_view first_bytes);

}  // namespace dure::control
