#pragma once

#include <atomic>
#include <memory>
#include <string>
#include <thread>

#include "controlnode/edges/zmq/admission.h"
#include "controlnode/edges/zmq/zmq_handle.h"

namespace dure::control {

// Properties that the gatekeeper gives to each connection that it lets in. libzmq prefers them to
// what a peer claims; the seal proves that this gatekeeper has spoken at all.
inline constexpr const char* kUserProperty = "User-Id";
inline constexpr const char* kKeyProperty = "Dure-Key";
inline constexpr const char* kSealProperty = "Dure-Seal";

// Answers libzmq's ZAP requests (RFC 27) of one context: a connection is let in when its CURVE key
// is admitted and does not connect too often. Must exist before the first listener of the context is bound.
class Gatekeeper {
 public:
  // `seal` is random, known to this process only.
  static Result<std::unique_ptr<Gatekeeper>> start(void* context, const Admission& admission,
                                                   std::string seal);
  ~Gatekeeper();
  Gatekeeper(const Gatekeeper&) = delete;
  Gatekeeper& operator=(const Gatekeeper&) = delete;

 private:
  Gatekeeper(ZmqSocket socket, const Admission& admission, std::string seal);
  void run();
  void answer();

  ZmqSocket socket_;
  const Admission& admission_;
  const std::string seal_;
  ConnectionRate rate_;
  Wakeup wakeup_;
  std::atomic<bool> stopping_{false};
  std::thread thread_;
};

}  // namespace dure::control
