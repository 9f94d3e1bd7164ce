#pragma once

#include <string>
#include <string_view>

#include "common/result.h"

namespace dure::control {

// CURVE keys in Z85: 40 characters each.
struct CurveKeyPair {
  std::string public_key;
  std::string secret_key;
};

Result<CurveKeyPair> generate_curve_keys();

// The public key that belongs to a secret key; refuses what is not a key.
Result<std::string> curve_public_key(const std::string& secret_key);

}  // namespace dure::control
