#include "hostagent/edges/libvirt/overlay_pool.h"

#include <unistd.h>

#include <cerrno>
#include <cstring>
#include <filesystem>
#include <system_error>

#include "hostagent/core/vm_file_name.h"
#include "hostagent/edges/libvirt/libvirt_error.h"
#include "hostagent/edges/libvirt/libvirt_handles.h"

namespace dure::host {
namespace {

constexpr const char* kPoolName = "dure";
constexpr std::string_view kSuffix = ".qcow2";

PoolHandle find_pool(const LibvirtSession& session) {
  return PoolHandle(virStoragePoolLookupByName(session.get(), kPoolName));
}

}  // namespace

std::string OverlayPool::path_of(const NodeId& id, std::uint64_t generation) const {
  return directory_ + "/" + vm_file_name({id, generation}, kSuffix);
}

Result<std::vector<ObservedVmFiles>> OverlayPool::list() const {
  std::vector<ObservedVmFiles> found;
  std::error_code failure;
  for (const auto& entry : std::filesystem::directory_iterator(directory_, failure)) {
    const auto name = parse_vm_file_name(entry.path().filename().string(), kSuffix);
    if (!name) continue;
    ObservedVmFiles files;
    files.id = name->id;
    files.generation = name->generation;
    files.overlay = true;
    found.push_back(files);
  }
  if (failure) return Error{Errc::internal, directory_ + ": " + failure.message()};
  return found;
}

Result<void> OverlayPool::ensure_pool(LibvirtSession& session) {
  if (session.pool_ready) return {};
  const std::lock_guard lock(making_pool_);
  PoolHandle pool = find_pool(session);
  if (!pool) {
    if (last_code() != VIR_ERR_NO_STORAGE_POOL)
      return libvirt_error(session, CallKind::read, "storage pool");
    pool.reset(
        virStoragePoolDefineXML(session.get(), pool_xml(kPoolName, directory_).c_str(), 0));
    if (!pool) return libvirt_error(session, CallKind::read, "defining the storage pool");
  }
  const LibvirtText xml(virStoragePoolGetXMLDesc(pool.get(), 0));
  if (!xml) return libvirt_error(session, CallKind::read, "storage pool");
  if (parse_pool_directory(xml.get()) != directory_)
    return Error{Errc::conflict, std::string("libvirt has another storage pool named ") + kPoolName +
                                     ", not at " + directory_ + "; undefine it"};
  const int active = virStoragePoolIsActive(pool.get());
  if (active < 0) return libvirt_error(session, CallKind::read, "storage pool");
  if (active == 0 && virStoragePoolCreate(pool.get(), 0) != 0)
    return libvirt_error(session, CallKind::read, "starting the storage pool");
  session.pool_ready = true;
  return {};
}

// True: made. False: something has that name already.
Result<bool> OverlayPool::create(LibvirtSession& session, const OverlaySpec& wanted) {
  const PoolHandle pool = find_pool(session);
  if (!pool) return libvirt_error(session, CallKind::read, "storage pool");
  if (VolumeHandle(virStorageVolCreateXML(pool.get(), overlay_xml(wanted).c_str(), 0))) return true;
  Error error = libvirt_error(session, CallKind::change, "making overlay " + wanted.name);
  if (error.code == Errc::internal && access((directory_ + "/" + wanted.name).c_str(), F_OK) == 0)
    return false;
  return error;
}

Result<bool> OverlayPool::is_complete(LibvirtSession& session, const OverlaySpec& wanted) const {
  const PoolHandle pool = find_pool(session);
  if (!pool) return libvirt_error(session, CallKind::read, "storage pool");
  VolumeHandle volume(virStorageVolLookupByName(pool.get(), wanted.name.c_str()));
  if (!volume) {
    if (virStoragePoolRefresh(pool.get(), 0) != 0)
      return libvirt_error(session, CallKind::read, "refreshing the storage pool");
    volume.reset(virStorageVolLookupByName(pool.get(), wanted.name.c_str()));
  }
  if (!volume) return false;
  const LibvirtText xml(virStorageVolGetXMLDesc(volume.get(), 0));
  if (!xml) return libvirt_error(session, CallKind::read, "overlay " + wanted.name);
  return parse_overlay(xml.get()) == wanted;
}

Result<void> OverlayPool::drop(LibvirtSession& session, const std::string& name) const {
  const PoolHandle pool = find_pool(session);
  if (!pool && last_code() != VIR_ERR_NO_STORAGE_POOL)
    return libvirt_error(session, CallKind::change, "storage pool");
  if (pool) {
    const VolumeHandle volume(virStorageVolLookupByName(pool.get(), name.c_str()));
    if (volume && virStorageVolDelete(volume.get(), 0) == 0) return {};
    if (!session.alive()) return libvirt_error(session, CallKind::change, "deleting " + name);
  }
  // Not known to libvirtd, or gone behind its back: the file decides.
  const std::string path = directory_ + "/" + name;
  if (unlink(path.c_str()) != 0 && errno != ENOENT)
    return Error{Errc::internal, path + ": " + std::strerror(errno)};
  return {};
}

Result<void> OverlayPool::make(LibvirtSession& session, const OverlaySpec& wanted) {
  if (auto ready = ensure_pool(session); !ready) return ready;
  auto made = create(session, wanted);
  if (!made) return made.error();
  if (*made) return {};
  const auto complete = is_complete(session, wanted);
  if (!complete) return complete.error();
  if (*complete) return {};
  if (auto dropped = drop(session, wanted.name); !dropped) return dropped;
  made = create(session, wanted);
  if (!made) return made.error();
  if (!*made) return Error{Errc::internal, wanted.name + " cannot be replaced"};
  return {};
}

Result<void> OverlayPool::remove(LibvirtSession& session, const NodeId& id,
                                 std::uint64_t generation) {
  const auto all = list();
  if (!all) return all.error();
  for (const ObservedVmFiles& files : *all) {
    if (files.id != id || files.generation > generation) continue;
    if (auto dropped = drop(session, vm_file_name({id, files.generation}, kSuffix)); !dropped)
      return dropped;
  }
  return {};
}

}  // namespace dure::host
