#include "hostagent/edges/libvirt/libvirt_error.h"

#include <cerrno>

#include "hostagent/edges/libvirt/libvirt_handles.h"

namespace dure::host {
namespace {

bool disk_is_full(const virError* error, const std::string& message) {
  if (error && error->code == VIR_ERR_SYSTEM_ERROR && error->int1 == ENOSPC) return true;
  // qemu-img runs inside libvirtd; of its failure only the text arrives.
  return message.find("No space left on device") != std::string::npos;
}

}  // namespace

Error libvirt_error(const LibvirtSession& session, CallKind kind, const std::string& what) {
  const virErrorPtr error = virGetLastError();
  std::string message = what + ": " + last_message();
  const bool full = disk_is_full(error, message);
  // Asked last: it may overwrite the error.
  if (!session.alive())
    return {kind == CallKind::change ? Errc::in_doubt : Errc::unavailable, std::move(message)};
  return {full ? Errc::no_space : Errc::internal, std::move(message)};
}

}  // namespace dure::host
