#pragma once

#include <optional>
#include <string_view>

#include "controlnode/edges/pki/sealing.h"
#include "controlnode/ports/cluster_identities.h"

namespace dure::control {

// A cluster's keys as one text: each field after its length in four bytes, most significant first.
SecretText write_key_list(const ClusterKeys& keys);
// Exactly what write_key_list made, else nothing.
std::optional<ClusterKeys> read_key_list(std::string_view text);

}  // namespace dure::control
