#pragma once

#include <string>

#include "common/result.h"
#include "protocol/messages/host_order.h"

namespace dure::host {

// The three files of a NoCloud seed. Pure: the same VM gives the same bytes.
struct SeedDocuments {
  std::string user_data;       // "#cloud-config" and one JSON document, which is valid YAML
  std::string meta_data;       // JSON
  std::string network_config;  // JSON, version 2
  friend bool operator==(const SeedDocuments&, const SeedDocuments&) = default;
};

// `invalid_argument`: a name or key that could mean something else inside the guest's own files
// (/etc/hosts, authorized_keys), where no emitter quotes it.
Result<SeedDocuments> seed_documents(const VmSpec& vm, const NetworkSpec& network);

}  // namespace dure::host
