#pragma once

#include <functional>
#include <string>
#include <vector>

#include "common/result.h"
#include "hostagent/core/observed.h"
#include "protocol/messages/host_order.h"

namespace dure::host {

// Blobs by digest, below the agent's state directory.
class BlobStore {
 public:
  virtual ~BlobStore() = default;
  virtual Result<std::vector<ObservedBlob>> list() = 0;
  // Fetches from the control node over HTTP, resuming a partial download, checking the SHA-256 while
  // streaming; afterwards the file is read-only under its digest. Complete already is success.
  // `corrupt`: other bytes than named (the partial file is dropped); `no_space`; `unavailable`.
  virtual Result<void> fetch(const BlobRef& blob, std::function<void(std::uint64_t bytes_done)> progress) = 0;
  virtual std::string path_of(const Digest& digest) const = 0;
  // Complete or not. Absent is success.
  virtual Result<void> remove(const Digest& digest) = 0;
};

// NoCloud seeds.
class SeedStore {
 public:
  virtual ~SeedStore() = default;
  virtual Result<std::vector<ObservedVmFiles>> list() = 0;
  // The same input gives the same file; present already is success.
  virtual Result<std::string> make(const VmSpec& vm, const NetworkSpec& network) = 0;
  // All generations up to this one. Absent is success.
  virtual Result<void> remove(const NodeId& id, std::uint64_t generation) = 0;
};

}  // namespace dure::host
