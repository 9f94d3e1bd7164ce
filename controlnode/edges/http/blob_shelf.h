#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "common/digest.h"
#include "common/result.h"

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

 private:
  std::string directory_;
  std::uint64_t next_ = 0;
};

// qcow2 header (https://www.qemu.org/docs/master/interop/qcow2.html): refused when it has a backing
// file, an external data file, encryption, or features that we do not know. Other formats pass:
// they are only ever opened with an explicit format.
Result<void> check_disk_header(std::string_view first_bytes);

}  // namespace dure::control
