#pragma once

#include <memory>
#include <mutex>
#include <optional>
#include <string>
#include <utility>

#include "hostagent/edges/disk/seed_template.h"
#include "hostagent/ports/storage.h"

namespace dure::host {

struct SeedStoreOptions {
  std::string state_dir;  // seeds go to <state_dir>/seeds
};

// NoCloud seeds as ISO images, made by the tool xorriso. Files are named vm-<uuid>.g<generation>.iso
// and appear under that name only when they are complete and on disk. Different VMs may be served
// at the same time.
class XorrisoSeedStore : public SeedStore {
 public:
  // Makes the directory and clears what an interrupted run left in it.
  static Result<std::unique_ptr<XorrisoSeedStore>> open(const SeedStoreOptions& options);

  Result<std::vector<ObservedVmFiles>> list() override;
  Result<std::string> make(const VmSpec& vm, const NetworkSpec& network) override;
  Result<void> remove(const NodeId& id, std::uint64_t generation) override;

 private:
  explicit XorrisoSeedStore(std::string directory) : directory_(std::move(directory)) {}
  Result<void> ensure_template();

  const std::string directory_;
  std::mutex making_template_;
  std::optional<SeedTemplate> template_;  // never changed once it is there
};

}  // namespace dure::host
