#pragma once

#include <cstddef>
#include <cstdint>
#include <initializer_list>
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
  // Of the connection that it came over, which may be closed by now; -1 when there is none.
  int descriptor() const;

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

// Waits until one of the sockets (at most three) can be read, the wakeup was signalled (which is cleared), or so many
// milliseconds have passed; -1: for ever.
void wait_for_input(std::initializer_list<void*> sockets, Wakeup& wakeup, long at_most_ms = -1);

}  // namespace dure::control
