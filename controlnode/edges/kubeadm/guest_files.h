#pragma once

#include <string>
#include <vector>

#include "controlnode/ports/bootstrap_documents.h"

namespace dure::control {

struct GuestFile {
  std::string path, content;
  bool secret = true;  // mode 0600, else 0644
};

// The files that this node needs now, by its role and whether it has joined; nothing else of the
// keys.
std::vector<GuestFile> guest_files(const BootstrapPlan& plan, const BootstrapKeys& keys);

}  // namespace dure::control
