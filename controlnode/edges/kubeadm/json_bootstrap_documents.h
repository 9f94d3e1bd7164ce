#pragma once

#include <string>

#include "controlnode/ports/bootstrap_documents.h"

namespace dure::control {

// Documents of JSON by Boost.JSON. It has no state, so that several threads may use it.
class JsonBootstrapDocuments final : public BootstrapDocuments {
 public:
  // One line without an end, at most kMaxBootstrapBytes. `invalid_argument`: a text of the plan
  // could mean something else in the guest, a key is missing, or the whole is too long.
  Result<std::string> node_document(const BootstrapPlan& plan, const BootstrapKeys& keys) override;
  Result<std::string> kubeconfig(const AccessDocument& access) override;
};

}  // namespace dure::control
