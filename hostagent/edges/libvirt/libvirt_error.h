#pragma once

#include <string>

#include "common/result.h"
#include "hostagent/edges/libvirt/libvirt_connection.h"

namespace dure::host {

// What a failed call was about to do.
enum class CallKind {
  read,    // a lost connection means: not answered
  change,  // a lost connection means: perhaps done
};

// The thread's last libvirt error as ours. Call it right after the failed call.
Error libvirt_error(const LibvirtSession& session, CallKind kind, const std::string& what);

}  // namespace dure::host
