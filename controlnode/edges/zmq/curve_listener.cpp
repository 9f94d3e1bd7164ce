#include "controlnode/edges/zmq/curve_listener.h"

#include <sys/random.h>
#include <zmq.h>

#include <cstdlib>
#include <cstring>

#include "controlnode/edges/zmq/curve_keys.h"
#include "protocol/messages/host_report.h"

namespace dure::control {
namespace {

// Declared in the draft part of zmq.h only; the stable library obeys the number.
constexpr int kZapEnforceDomain = 93;
constexpr const char* kDomain = "dure";

constexpr int kHighWaterMark = 64;  // messages per peer and direction
constexpr int kHandshakeMs = 5000;
constexpr int kHeartbeatMs = 5000;
constexpr int kHeartbeatTimeoutMs = 15000;
constexpr int kHeartbeatTtlMs = 20000;
constexpr int kBacklog = 512;
// CURVE adds a command name, a nonce, flags and an authenticator to each message.
constexpr std::int64_t kCurveOverhead = 64;
constexpr int kSelfTestMs = 10000;

bool set(void* socket, int option, int value) {
  return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}

bool set(void* socket, int option, const std::string& value) {
  return zmq_setsockopt(socket, option, value.data(), value.size()) == 0;
}

bool set_limits(void* socket) {
  const std::int64_t max_message = static_cast<std::int64_t>(kMaxReportBytes) + kCurveOverhead;
  return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_message, sizeof max_message) == 0 &&
         set(socket, ZMQ_RCVHWM, kHighWaterMark) && set(socket, ZMQ_SNDHWM, kHighWaterMark) &&
         set(socket, ZMQ_HANDSHAKE_IVL, kHandshakeMs) && set(socket, ZMQ_BACKLOG, kBacklog) &&
         set(socket, ZMQ_HEARTBEAT_IVL, kHeartbeatMs) &&
         set(socket, ZMQ_HEARTBEAT_TIMEOUT, kHeartbeatTimeoutMs) &&
         set(socket, ZMQ_HEARTBEAT_TTL, kHeartbeatTtlMs) && set(socket, ZMQ_LINGER, 0) &&
         // Unroutable messages are an error instead of silence.
         set(socket, ZMQ_ROUTER_MANDATORY, 1);
}

Result<ZmqSocket> make_stranger(void* context, const std::string& server_secret_key) {
  const auto keys = generate_curve_keys();
  if (!keys) return keys.error();
  const auto server_key = curve_public_key(server_secret_key);
  if (!server_key) return server_key.error();
  ZmqSocket socket(zmq_socket(context, ZMQ_DEALER));
  if (!socket || !set(socket.get(), ZMQ_LINGER, 0) ||
      !set(socket.get(), ZMQ_CURVE_PUBLICKEY, keys->public_key) ||
      !set(socket.get(), ZMQ_CURVE_SECRETKEY, keys->secret_key) ||
      !set(socket.get(), ZMQ_CURVE_SERVERKEY, *server_key)) {
    return zmq_failure("self-test: cannot make a client");
  }
  return socket;
}

// The first outcome of a handshake that the monitor tells of; 0 when none comes in time.
int first_handshake_outcome(void* monitor) {
  zmq_pollitem_t item{monitor, 0, ZMQ_POLLIN, 0};
  ZmqFrame frame;
  if (zmq_poll(&item, 1, kSelfTestMs) <= 0 || !frame.receive(monitor)) return 0;
  std::uint16_t event = 0;
  if (frame.bytes().size() < sizeof event) return 0;
  std::memcpy(&event, frame.bytes().data(), sizeof event);
  return event;
}

// libzmq names peers that claim no routing id by a counter that begins at what the C library's random() gives, and nobody
// seeds that: a peer could claim the very id that the next one will be given.
Result<void> make_routing_ids_unpredictable() {
  unsigned seed = 0;
  if (getrandom(&seed, sizeof seed, 0) != static_cast<ssize_t>(sizeof seed)) {
    return Error{Errc::internal, "getrandom gives no seed for routing ids"};
  }
  srandom(seed);
  return {};
}

}  // namespace

Result<ZmqSocket> make_curve_listener(void* context, const CurveListenerOptions& options) {
  if (const auto key = curve_public_key(options.curve_secret_key); !key) return key.error();
  if (auto seeded = make_routing_ids_unpredictable(); !seeded) return seeded.error();
  ZmqSocket socket(zmq_socket(context, ZMQ_ROUTER));
  if (!socket || !set_limits(socket.get()) || !set(socket.get(), ZMQ_CURVE_SERVER, 1) ||
      !set(socket.get(), ZMQ_CURVE_SECRETKEY, options.curve_secret_key) ||
      !set(socket.get(), ZMQ_ZAP_DOMAIN, std::string(kDomain)) ||
      !set(socket.get(), kZapEnforceDomain, options.enforce_domain ? 1 : 0)) {
    return zmq_failure("cannot set up the listener for agents");
  }
  return socket;
}

Result<void> prove_unknown_key_is_refused(const CurveListenerOptions& options) {
  const ZmqContext context(zmq_ctx_new());
  if (!context) return zmq_failure("self-test: cannot make a context");
  auto listener = make_curve_listener(context.get(), options);
  if (!listener) return listener.error();
  constexpr int outcomes = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                           ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;
  const ZmqSocket monitor(zmq_socket(context.get(), ZMQ_PAIR));
  if (!monitor || !set(monitor.get(), ZMQ_LINGER, 0) ||
      zmq_socket_monitor(listener->get(), "inproc://self-test", outcomes) != 0 ||
      zmq_connect(monitor.get(), "inproc://self-test") != 0 ||
      zmq_bind(listener->get(), "tcp://127.0.0.1:*") != 0) {
    return zmq_failure("self-test: cannot listen on loopback");
  }
  char endpoint[128] = {};
  std::size_t length = sizeof endpoint;
  if (zmq_getsockopt(listener->get(), ZMQ_LAST_ENDPOINT, endpoint, &length) != 0) {
    return zmq_failure("self-test: cannot read the endpoint");
  }
  const auto stranger = make_stranger(context.get(), options.curve_secret_key);
  if (!stranger) return stranger.error();
  if (zmq_connect(stranger->get(), endpoint) != 0) return zmq_failure("self-test: cannot connect");
  const int outcome = first_handshake_outcome(monitor.get());
  // Ends the monitor's thread of events before its socket goes.
  zmq_socket_monitor(listener->get(), nullptr, 0);
  if (outcome == 0) return Error{Errc::internal, "self-test: no outcome of a handshake"};
  if (outcome == ZMQ_EVENT_HANDSHAKE_SUCCEEDED) {
    return Error{Errc::internal, "self-test: libzmq lets an unknown key in when no gatekeeper answers"};
  }
  return {};
}

}  // namespace dure::control
