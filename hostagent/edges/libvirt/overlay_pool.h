#pragma once

#include <mutex>
#include <string>
#include <vector>

#include "common/result.h"
#include "hostagent/core/observed.h"
#include "hostagent/edges/libvirt/domain_xml.h"
#include "hostagent/edges/libvirt/libvirt_connection.h"

namespace dure::host {

// The storage pool "dure": qcow2 overlays named vm-<uuid>.g<generation>.qcow2. The pool is refreshed
// only after a crash has left a file that libvirtd does not know: a refresh reads every volume.
class OverlayPool {
 public:
  explicit OverlayPool(std::string directory) : directory_(std::move(directory)) {}

  std::string path_of(const NodeId& id, std::uint64_t generation) const;
  // From the directory itself: what exists, whether libvirtd knows it or not.
  Result<std::vector<ObservedVmFiles>> list() const;
  // Success means: complete, over that base and of that size. One that an interrupted call left
  // incomplete is made again, so the domain must not be defined yet.
  Result<void> make(LibvirtSession& session, const OverlaySpec& wanted);
  // Of all generations up to this one. Absent is success.
  Result<void> remove(LibvirtSession& session, const NodeId& id, std::uint64_t generation);

 private:
  Result<void> ensure_pool(LibvirtSession& session);
  Result<bool> create(LibvirtSession& session, const OverlaySpec& wanted);
  Result<bool> is_complete(LibvirtSession& session, const OverlaySpec& wanted) const;
  Result<void> drop(LibvirtSession& session, const std::string& name) const;

  const std::string directory_;
  std::mutex making_pool_;
};

}  // namespace dure::host
