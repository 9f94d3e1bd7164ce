#pragma once

#include <string>

#include "common/ids.h"
#include "common/ports.h"
#include "common/result.h"
#include "protocol/wire/keys.h"

namespace dure::host {

struct CurvePair {
  std::string public_key, secret_key;  // Z85
};

// What a host is: made once by `init`, read at every start.
struct KeyFiles {
  HostId host;
  CurvePair curve;
};
Result<void> init_key_files(const std::string& directory, const CurvePair& fresh_curve,
                            Random& random);
Result<KeyFiles> load_key_files(const std::string& directory);
// What `dure host add` wants to know of it, one line each; nothing secret.
std::string introduction(const KeyFiles& keys);

// The control node's public parts, as `dure-controlnode init` writes them.
struct ControlBundle {
  SystemId system;
  std::string curve_key;  // Z85
  wire::VerifyingKey signing;
};
Result<ControlBundle> load_bundle(const std::string& path);

}  // namespace dure::host
