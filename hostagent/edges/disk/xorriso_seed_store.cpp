#include "hostagent/edges/disk/xorriso_seed_store.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>
#include <utility>

#include "common/files.h"
#include "common/log.h"
#include "hostagent/core/vm_file_name.h"

namespace dure::host {
namespace {

namespace fs = std::filesystem;

constexpr std::string_view kSuffix = ".iso";
constexpr std::string_view kTemporary = ".tmp";

Error from_errno(const std::string& what, int reason) {
  return {Errc::internal, what + ": " + std::strerror(reason)};
}

}  // namespace

Result<std::unique_ptr<XorrisoSeedStore>> XorrisoSeedStore::open(const SeedStoreOptions& options) {
  const std::string directory = options.state_dir + "/seeds";
  if (auto made = make_directories(directory, 0711); !made) return made.error();
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(directory, failure)) {
    if (!entry.path().filename().string().ends_with(kTemporary)) continue;
    std::error_code ignored;
    fs::remove_all(entry.path(), ignored);
  }
  if (failure) return from_errno(directory, failure.value());
  std::unique_ptr<XorrisoSeedStore> store(new XorrisoSeedStore(directory));
  // Now, so that the first VM does not wait for it.
  if (const auto made = store->ensure_template(); !made)
    log::warn("seeds cannot be made yet", {{"reason", made.error().message}});
  return store;
}

Result<std::vector<ObservedVmFiles>> XorrisoSeedStore::list() {
  std::vector<ObservedVmFiles> found;
  std::error_code failure;
  for (const auto& entry : fs::directory_iterator(directory_, failure)) {
    const auto name = parse_vm_file_name(entry.path().filename().string(), kSuffix);
    if (!name) continue;
    ObservedVmFiles files;
    files.id = name->id;
    files.generation = name->generation;
    files.seed = true;
    found.push_back(files);
  }
  if (failure) return from_errno(directory_, failure.value());
  return found;
}

Result<std::string> XorrisoSeedStore::make(const VmSpec& vm, const NetworkSpec& network) {
  std::string path = directory_ + "/" + vm_file_name({vm.id, vm.generation}, kSuffix);
  if (access(path.c_str(), F_OK) == 0) return path;
  const auto documents = seed_documents(vm, network);
  if (!documents) return documents.error();
  if (auto ready = ensure_template(); !ready) return ready.error();
  const auto image = template_->fill(*documents);
  if (!image) return image.error();
  if (auto written = write_file_durably(path, *image, 0600); !written) return written.error();
  return path;
}

Result<void> XorrisoSeedStore::ensure_template() {
  const std::lock_guard lock(making_template_);
  if (template_) return {};
  auto made = SeedTemplate::make(directory_);
  if (!made) return made.error();
  template_ = std::move(*made);
  return {};
}

Result<void> XorrisoSeedStore::remove(const NodeId& id, std::uint64_t generation) {
  auto all = list();
  if (!all) return all.error();
  bool removed = false;
  for (const ObservedVmFiles& files : *all) {
    if (files.id != id || files.generation > generation) continue;
    const std::string path = directory_ + "/" + vm_file_name({id, files.generation}, kSuffix);
    if (unlink(path.c_str()) != 0 && errno != ENOENT) return from_errno(path, errno);
    removed = true;
  }
  return removed ? fsync_directory(directory_) : Result<void>{};
}

}  // namespace dure::host
