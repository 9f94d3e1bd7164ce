#pragma once

#include <doctest/doctest.h>
#include <zmq.h>

#include <cstdint>
#include <cstring>
#include <memory>
#include <optional>
#include <string>
#include <vector>

#include "tests/support/agent_link_inbox.h"

namespace dure::testing {

struct RawKeys {
  std::string public_key, secret_key;
};
inline RawKeys raw_keys() {
  char public_key[41] = {};
  char secret_key[41] = {};
  REQUIRE(zmq_curve_keypair(public_key, secret_key) == 0);
  return {public_key, secret_key};
}

// A socket with a context of its own that may do what our edges never do.
class RawPeer {
 public:
  explicit RawPeer(int type) : context_(zmq_ctx_new()), socket_(zmq_socket(context_, type)) {
    set(ZMQ_LINGER, 0);
    set(ZMQ_RCVTIMEO, static_cast<int>(std::chrono::milliseconds(kPatience).count()));
    set(ZMQ_SNDTIMEO, static_cast<int>(std::chrono::milliseconds(kPatience).count()));
    set(ZMQ_RECONNECT_IVL, 20);
  }
  ~RawPeer() {
    if (monitor_ != nullptr) {
      zmq_socket_monitor(socket_, nullptr, 0);
      zmq_close(monitor_);
    }
    zmq_close(socket_);
    zmq_ctx_term(context_);
  }
  RawPeer(const RawPeer&) = delete;
  RawPeer& operator=(const RawPeer&) = delete;

  void* context() const { return context_; }
  void* socket() const { return socket_; }
  void set(int option, int value) { REQUIRE(zmq_setsockopt(socket_, option, &value, sizeof value) == 0); }
  void set(int option, const std::string& value) {
    REQUIRE(zmq_setsockopt(socket_, option, value.data(), value.size()) == 0);
  }
  void be_client(const RawKeys& keys, const std::string& server_key) {
    set(ZMQ_CURVE_PUBLICKEY, keys.public_key);
    set(ZMQ_CURVE_SECRETKEY, keys.secret_key);
    set(ZMQ_CURVE_SERVERKEY, server_key);
  }
  // Tells of `events` from now on.
  void watch(int events) { monitor_ = watch(context_, socket_, events); }
  int next_event() { return next_event(monitor_); }

  static void* watch(void* context, void* socket, int events) {
    void* monitor = zmq_socket(context, ZMQ_PAIR);
    const int patience = static_cast<int>(std::chrono::milliseconds(kPatience).count());
    REQUIRE(zmq_setsockopt(monitor, ZMQ_RCVTIMEO, &patience, sizeof patience) == 0);
    REQUIRE(zmq_socket_monitor(socket, "inproc://raw-events", events) == 0);
    REQUIRE(zmq_connect(monitor, "inproc://raw-events") == 0);
    return monitor;
  }
  // 0 when there is none in time.
  static int next_event(void* monitor) {
    std::uint16_t event = 0;
    char bytes[256];
    const int size = zmq_recv(monitor, bytes, sizeof bytes, 0);
    if (size < static_cast<int>(sizeof event)) return 0;
    std::memcpy(&event, bytes, sizeof event);
    zmq_recv(monitor, bytes, sizeof bytes, 0);
    return event;
  }

  void connect(const std::string& endpoint) { REQUIRE(zmq_connect(socket_, endpoint.c_str()) == 0); }
  std::string bind() {
    REQUIRE(zmq_bind(socket_, "tcp://127.0.0.1:*") == 0);
    return endpoint_of(socket_);
  }
  static std::string endpoint_of(void* socket) {
    char endpoint[128] = {};
    std::size_t length = sizeof endpoint;
    REQUIRE(zmq_getsockopt(socket, ZMQ_LAST_ENDPOINT, endpoint, &length) == 0);
    return endpoint;
  }

  void say(const std::vector<std::string>& frames) {
    for (std::size_t i = 0; i < frames.size(); ++i) {
      const int flags = i + 1 < frames.size() ? ZMQ_SNDMORE : 0;
      REQUIRE(zmq_send(socket_, frames[i].data(), frames[i].size(), flags) >= 0);
    }
  }
  std::optional<std::string> hear() {
    std::string bytes(1 << 16, '\0');
    const int size = zmq_recv(socket_, bytes.data(), bytes.size(), 0);
    if (size < 0) return std::nullopt;
    bytes.resize(static_cast<std::size_t>(size));
    return bytes;
  }

 private:
  void* context_;
  void* socket_;
  void* monitor_ = nullptr;
};

inline constexpr int kHandshakeOutcomes = ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_HANDSHAKE_FAILED_NO_DETAIL |
                                          ZMQ_EVENT_HANDSHAKE_FAILED_PROTOCOL | ZMQ_EVENT_HANDSHAKE_FAILED_AUTH;

}  // namespace dure::testing
