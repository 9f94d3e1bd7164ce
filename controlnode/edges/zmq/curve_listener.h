#pragma once

#include <string>

#include "common/result.h"
#include "controlnode/edges/zmq/zmq_handle.h"

namespace dure::control {

struct CurveListenerOptions {
  std::string curve_secret_key;  // Z85
  // libzmq lets everybody in when no gatekeeper is bound, unless told to enforce the domain. Always
  // true; the self-test is itself tested with false.
  bool enforce_domain = true;
};

// A ROUTER under CURVE with every limit set, not bound yet.
Result<ZmqSocket> make_curve_listener(void* context, const CurveListenerOptions& options);

// Makes such a listener without any gatekeeper and connects with a random key. Fails unless the
// listener refuses it: then this libzmq would let everybody in as soon as the gatekeeper dies.
Result<void> prove_unknown_key_is_refused(const CurveListenerOptions& options);

}  // namespace dure::control
