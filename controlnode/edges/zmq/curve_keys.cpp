#include "controlnode/edges/zmq/curve_keys.h"

#include <string.h>
#include <zmq.h>

namespace dure::control {
namespace {
constexpr std::size_t kKeyLength = 40;
}

Result<CurveKeyPair> generate_curve_keys() {
  char public_key[kKeyLength + 1] = {};
  char secret_key[kKeyLength + 1] = {};
  if (zmq_curve_keypair(public_key, secret_key) != 0) {
    return Error{Errc::internal, "cannot make CURVE keys: this libzmq has no CURVE"};
  }
  CurveKeyPair keys{public_key, secret_key};
  ::explicit_bzero(secret_key, sizeof secret_key);
  return keys;
}

Result<std::string> curve_public_key(const std::string& secret_key) {
  char public_key[kKeyLength + 1] = {};
  // libzmq decodes without a bound: the length is checked here.
  if (secret_key.size() != kKeyLength || secret_key.find('\0') != std::string::npos ||
      zmq_curve_public(public_key, secret_key.c_str()) != 0) {
    return Error{Errc::invalid_argument, "not a CURVE secret key (40 characters of Z85)"};
  }
  return std::string(public_key);
}

}  // namespace dure::control
