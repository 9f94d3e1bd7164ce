#include "controlnode/edges/zmq/zmq_handle.h"

#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include <array>
#include <cerrno>
#include <new>

namespace dure::control {

void TerminateContext::operator()(void* context) const {
  // Interrupted by a signal: not ended yet.
  while (zmq_ctx_term(context) != 0 && zmq_errno() == EINTR) {
  }
}

void CloseSocket::operator()(void* socket) const { zmq_close(socket); }

Error zmq_failure(std::string_view action) {
  return {Errc::unavailable, std::string(action) + ": " + zmq_strerror(zmq_errno())};
}

struct ZmqFrame::State {
  zmq_msg_t message;
};

ZmqFrame::ZmqFrame() : state_(std::make_unique<State>()) { zmq_msg_init(&state_->message); }
ZmqFrame::~ZmqFrame() { zmq_msg_close(&state_->message); }

bool ZmqFrame::receive(void* socket) {
  while (true) {
    if (zmq_msg_recv(&state_->message, socket, ZMQ_DONTWAIT) >= 0) return true;
    if (zmq_errno() != EINTR) return false;
  }
}

std::string_view ZmqFrame::bytes() const {
  return {static_cast<const char*>(zmq_msg_data(&state_->message)), zmq_msg_size(&state_->message)};
}

bool ZmqFrame::more() const { return zmq_msg_more(&state_->message) != 0; }

std::string_view ZmqFrame::property(const char* name) const {
  const char* value = zmq_msg_gets(&state_->message, name);
  return value == nullptr ? std::string_view{} : std::string_view(value);
}

int ZmqFrame::descriptor() const { return zmq_msg_get(&state_->message, ZMQ_SRCFD); }

Wakeup::Wakeup() : descriptor_(::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK)) {
  if (descriptor_ < 0) throw std::bad_alloc();
}
Wakeup::~Wakeup() { ::close(descriptor_); }

void Wakeup::signal() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full: then the thread is being woken already.
  if (::write(descriptor_, &one, sizeof one) < 0) return;
}

void Wakeup::clear() {
  std::uint64_t count = 0;
  if (::read(descriptor_, &count, sizeof count) < 0) return;
}

void wait_for_input(std::initializer_list<void*> sockets, Wakeup& wakeup, long at_most_ms) {
  std::array<zmq_pollitem_t, 4> items{};
  items[0] = {nullptr, wakeup.descriptor(), ZMQ_POLLIN, 0};
  int count = 1;
  for (void* socket : sockets) items.at(static_cast<std::size_t>(count++)) = {socket, 0, ZMQ_POLLIN, 0};
  if (zmq_poll(items.data(), count, at_most_ms) > 0 && items[0].revents != 0) wakeup.clear();
}

}  // namespace dure::control
