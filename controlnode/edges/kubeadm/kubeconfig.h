#pragma once

#include <string>

#include "controlnode/ports/bootstrap_documents.h"

namespace dure::control {

// One cluster, one user and the context of both, which is the current one; everything is embedded.
// Its context is named like the cluster.
std::string kubeconfig_text(const AccessDocument& access);

}  // namespace dure::control
