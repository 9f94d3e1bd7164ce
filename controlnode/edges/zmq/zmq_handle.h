#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
#include <string>
#include <string_view>

#include "common/result.h"

namespace dure::control {

// Owners of libzmq's objects. A socket is used by one thread at a time.

struct TerminateContext {
  void operator()(void* context) const;
};
using ZmqContext = std::unique_ptr<void, TerminateContext>;

struct CloseSocket {
  void operator()(void* socket) const;
};
using ZmqSocket = std::unique_ptr<void, CloseSocket>;

// The last failure of libzmq on this thread.
Error zmq_failure(std::string_view action);

// One frame as libzmq received it, with the properties of its connection.
class ZmqFrame {
 public:
  ZmqFrame();
  ~ZmqFrame();
  ZmqFrame(const ZmqFrame&) = delete;
  ZmqFrame& operator=(const ZmqFrame&) = delete;

  // False when there is none now, or the context ends.
  bool receive(void* socket);
  std::string_view bytes() const;
  bool more() const;
  // Empty when the connection has no such property.
  std::string_view property(const char* name) const;

 private:
  struct State;
  std::unique_ptr<State> state_;
};

// Wakes a thread that polls `descriptor()`.
class Wakeup {
 public:
  Wakeup();
  ~Wakeup();
  Wakeup(const Wakeup&) = delete;
  Wakeup& operator=(const Wakeup&) = delete;

  int descriptor() const { return descriptor_; }
  void signal();
  void clear();

 private:
  int descriptor_;
};

// Waits until the socket can be read or the wakeup was signalled (which is cleared).
void wait_for_input(void* socket, Wakeup& wakeup);

}  // namespace dure::control
