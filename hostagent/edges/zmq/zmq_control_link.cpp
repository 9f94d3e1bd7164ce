#include "hostagent/edges/zmq/zmq_control_link.h"

#include <sys/eventfd.h>
#include <unistd.h>
#include <zmq.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <random>
#include <thread>

#include "common/log.h"
#include "hostagent/edges/zmq/curve_keys.h"
#include "protocol/messages/host_report.h"
#include "protocol/wire/envelope.h"

namespace dure::host {
namespace {

constexpr int kHighWaterMark = 64;
constexpr std::size_t kMaxQueued = 64;
constexpr int kFirstReconnectMs = 200;  // libzmq adds a random part and doubles it each time
constexpr int kLastReconnectMs = 5000;
constexpr int kConnectMs = 5000;
constexpr int kHandshakeMs = 5000;
constexpr int kHeartbeatMs = 5000;
constexpr int kHeartbeatTimeoutMs = 15000;
constexpr int kHeartbeatTtlMs = 20000;
// CURVE adds a command name, a nonce, flags and an authenticator to each message.
constexpr std::int64_t kCurveOverhead = 64;
constexpr std::string_view kMonitorEndpoint = "inproc://control-link-events-";

struct TerminateContext {
  void operator()(void* context) const {
    while (zmq_ctx_term(context) != 0 && zmq_errno() == EINTR) {
    }
  }
};
struct CloseSocket {
  void operator()(void* socket) const { zmq_close(socket); }
};
using Context = std::unique_ptr<void, TerminateContext>;
using Socket = std::unique_ptr<void, CloseSocket>;

class Frame {
 public:
  Frame() { zmq_msg_init(&message_); }
  ~Frame() { zmq_msg_close(&message_); }
  Frame(const Frame&) = delete;
  Frame& operator=(const Frame&) = delete;

  // False when there is none now.
  bool receive(void* socket) {
    while (true) {
      if (zmq_msg_recv(&message_, socket, ZMQ_DONTWAIT) >= 0) return true;
      if (zmq_errno() != EINTR) return false;
    }
  }
  std::string_view bytes() {
    return {static_cast<const char*>(zmq_msg_data(&message_)), zmq_msg_size(&message_)};
  }
  bool more() { return zmq_msg_more(&message_) != 0; }

 private:
  zmq_msg_t message_;
};

Error failure(std::string_view action) {
  return {Errc::unavailable, std::string(action) + ": " + zmq_strerror(zmq_errno())};
}

bool set(void* socket, int option, int value) {
  return zmq_setsockopt(socket, option, &value, sizeof value) == 0;
}
bool set(void* socket, int option, const std::string& value) {
  return zmq_setsockopt(socket, option, value.data(), value.size()) == 0;
}

bool set_limits(void* socket) {
  const std::int64_t max_message = static_cast<std::int64_t>(wire::kMaxEnvelopeBytes) + kCurveOverhead;
  return zmq_setsockopt(socket, ZMQ_MAXMSGSIZE, &max_message, sizeof max_message) == 0 &&
         set(socket, ZMQ_SNDHWM, kHighWaterMark) && set(socket, ZMQ_RCVHWM, kHighWaterMark) &&
         // Nothing is queued towards a control node that is not there.
         set(socket, ZMQ_IMMEDIATE, 1) && set(socket, ZMQ_LINGER, 0) &&
         set(socket, ZMQ_RECONNECT_IVL, kFirstReconnectMs) &&
         set(socket, ZMQ_RECONNECT_IVL_MAX, kLastReconnectMs) &&
         set(socket, ZMQ_CONNECT_TIMEOUT, kConnectMs) && set(socket, ZMQ_HANDSHAKE_IVL, kHandshakeMs) &&
         set(socket, ZMQ_HEARTBEAT_IVL, kHeartbeatMs) &&
         set(socket, ZMQ_HEARTBEAT_TIMEOUT, kHeartbeatTimeoutMs) &&
         set(socket, ZMQ_HEARTBEAT_TTL, kHeartbeatTtlMs);
}

}  // namespace

class ZmqControlLink::Worker {
 public:
  explicit Worker(ControlLinkListener& listener) : listener_(listener) {}
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  Result<void> start(const ZmqControlLinkOptions& options);
  Result<void> queue(std::string bytes);
  std::size_t queue_all(std::vector<std::string> messages);

 private:
  using Steady = std::chrono::steady_clock;

  Result<void> queue_locked(std::string bytes);
  Result<void> dial();
  void hang_up();
  void run();
  void redial_when_stuck();
  void wait();
  void follow_connection();
  void set_connected(bool connected);
  void send_queued();
  void receive_all();
  void signal();

  ControlLinkListener& listener_;
  ZmqControlLinkOptions options_;
  std::string public_key_;
  Context context_;
  Socket socket_;
  Socket monitor_;
  int wakeup_ = -1;
  std::uint64_t dials_ = 0;
  std::atomic<bool> stopping_{false};
  Steady::time_point redial_at_;  // while not connected

  std::mutex mutex_;  // guards what follows
  bool connected_ = false;
  std::deque<std::string> queue_;

  std::thread thread_;
};

ZmqControlLink::Worker::~Worker() {
  stopping_ = true;
  if (thread_.joinable()) {
    signal();
    thread_.join();
  }
  hang_up();
  if (wakeup_ >= 0) ::close(wakeup_);
}

Result<void> ZmqControlLink::Worker::start(const ZmqControlLinkOptions& options) {
  auto public_key = curve_public_key(options.curve_secret_key);
  if (!public_key) return public_key.error();
  if (options.server_public_key.size() != 40) {
    return Error{Errc::invalid_argument, "the control node's CURVE key must have 40 characters of Z85"};
  }
  options_ = options;
  public_key_ = std::move(public_key).value();
  wakeup_ = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  context_.reset(zmq_ctx_new());
  if (wakeup_ < 0 || !context_) return Error{Errc::internal, "cannot make a context for the control link"};
  if (const auto dialled = dial(); !dialled) return dialled;
  thread_ = std::thread([this] { run(); });
  return {};
}

Result<void> ZmqControlLink::Worker::dial() {
  socket_.reset(zmq_socket(context_.get(), ZMQ_DEALER));
  monitor_.reset(zmq_socket(context_.get(), ZMQ_PAIR));
  if (!socket_ || !monitor_ || !set_limits(socket_.get()) || !set(monitor_.get(), ZMQ_LINGER, 0) ||
      !set(socket_.get(), ZMQ_CURVE_PUBLICKEY, public_key_) ||
      !set(socket_.get(), ZMQ_CURVE_SECRETKEY, options_.curve_secret_key) ||
      !set(socket_.get(), ZMQ_CURVE_SERVERKEY, options_.server_public_key)) {
    return failure("cannot set up the link to the control node");
  }
  // A name of its own each time: the former one is given back only when libzmq gets to it.
  const std::string events = std::string(kMonitorEndpoint) + std::to_string(++dials_);
  if (zmq_socket_monitor(socket_.get(), events.c_str(),
                         ZMQ_EVENT_HANDSHAKE_SUCCEEDED | ZMQ_EVENT_DISCONNECTED) != 0 ||
      zmq_connect(monitor_.get(), events.c_str()) != 0 ||
      zmq_connect(socket_.get(), options_.endpoint.c_str()) != 0) {
    return failure("cannot dial the control node at " + options_.endpoint);
  }
  // Uneven, so that a thousand agents do not come back in step.
  const auto spread = static_cast<std::int64_t>(std::random_device{}() % 256);
  redial_at_ = Steady::now() + options_.redial_after + options_.redial_after * spread / 1024;
  return {};
}

void ZmqControlLink::Worker::hang_up() {
  if (socket_) zmq_socket_monitor(socket_.get(), nullptr, 0);
  monitor_.reset();
  socket_.reset();
}

// libzmq gives up for good after what it takes for a fault of the protocol: a frame that is too long,
// or anything else than ZeroMQ behind the address for a moment. Then only a new socket dials again.
void ZmqControlLink::Worker::redial_when_stuck() {
  {
    const std::lock_guard lock(mutex_);
    if (connected_ || Steady::now() < redial_at_) return;
  }
  hang_up();
  if (const auto dialled = dial(); !dialled) {
    log::error("cannot dial the control node", {{"reason", dialled.error().message}});
    hang_up();
    redial_at_ = Steady::now() + options_.redial_after;
  }
}

Result<void> ZmqControlLink::Worker::queue(std::string bytes) {
  {
    const std::lock_guard lock(mutex_);
    if (auto queued = queue_locked(std::move(bytes)); !queued) return queued;
  }
  signal();
  return {};
}

std::size_t ZmqControlLink::Worker::queue_all(std::vector<std::string> messages) {
  std::size_t queued = 0;
  {
    const std::lock_guard lock(mutex_);
    for (auto& bytes : messages) {
      if (queue_locked(std::move(bytes))) ++queued;
    }
  }
  if (queued > 0) signal();
  return queued;
}

// Only with the mutex held.
Result<void> ZmqControlLink::Worker::queue_locked(std::string bytes) {
  if (bytes.size() > kMaxReportBytes) return Error{Errc::invalid_argument, "message is too long"};
  if (!connected_) return Error{Errc::unavailable, "the control node is not connected"};
  if (queue_.size() >= kMaxQueued) return Error{Errc::unavailable, "the control node does not keep up"};
  queue_.push_back(std::move(bytes));
  return {};
}

void ZmqControlLink::Worker::signal() {
  const std::uint64_t one = 1;
  // Fails only when the counter is full: then the thread is being woken already.
  if (::write(wakeup_, &one, sizeof one) < 0) return;
}

void ZmqControlLink::Worker::run() {
  while (!stopping_) {
    wait();
    try {
      redial_when_stuck();
      if (!socket_) continue;
      follow_connection();
      send_queued();
      receive_all();
    } catch (const std::exception& error) {
      log::error("a message of the control node could not be handled", {{"reason", error.what()}});
    }
  }
}

void ZmqControlLink::Worker::wait() {
  std::int64_t timeout_ms = -1;
  {
    const std::lock_guard lock(mutex_);
    if (!connected_) {
      const auto left = std::chrono::ceil<std::chrono::milliseconds>(redial_at_ - Steady::now());
      timeout_ms = std::max<std::int64_t>(left.count(), 0);
    }
  }
  zmq_pollitem_t items[] = {{nullptr, wakeup_, ZMQ_POLLIN, 0},
                            {socket_.get(), 0, ZMQ_POLLIN, 0},
                            {monitor_.get(), 0, ZMQ_POLLIN, 0}};
  std::uint64_t count = 0;
  if (zmq_poll(items, socket_ ? 3 : 1, static_cast<long>(timeout_ms)) > 0 && items[0].revents != 0 &&
      ::read(wakeup_, &count, sizeof count) < 0) {
    return;
  }
}

void ZmqControlLink::Worker::follow_connection() {
  Frame frame;
  while (frame.receive(monitor_.get())) {
    std::uint16_t event = 0;
    if (frame.bytes().size() >= sizeof event) std::memcpy(&event, frame.bytes().data(), sizeof event);
    while (frame.more() && frame.receive(monitor_.get())) {
    }
    // Lets the socket take up the new connection before anybody may send.
    int ready = 0;
    std::size_t length = sizeof ready;
    if (zmq_getsockopt(socket_.get(), ZMQ_EVENTS, &ready, &length) != 0) continue;
    set_connected(event == ZMQ_EVENT_HANDSHAKE_SUCCEEDED);
  }
}

void ZmqControlLink::Worker::set_connected(bool connected) {
  const std::lock_guard lock(mutex_);
  if (connected != connected_) {
    log::info(connected ? "connected to the control node" : "lost the control node");
    if (!connected) redial_at_ = Steady::now() + options_.redial_after;
  }
  connected_ = connected;
  // What was said on the last connection is stale on the next.
  if (!connected) queue_.clear();
}

void ZmqControlLink::Worker::send_queued() {
  std::deque<std::string> batch;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(queue_);
  }
  for (const auto& bytes : batch) {
    // EAGAIN: gone or not reading. A newer report will follow.
    if (zmq_send(socket_.get(), bytes.data(), bytes.size(), ZMQ_DONTWAIT) < 0) return;
  }
}

void ZmqControlLink::Worker::receive_all() {
  Frame frame;
  while (!stopping_ && frame.receive(socket_.get())) {
    std::string bytes(frame.bytes());
    bool single = true;
    while (frame.more() && frame.receive(socket_.get())) single = false;
    if (!single || bytes.size() > wire::kMaxEnvelopeBytes) {
      log::warn("refused a message on the control channel",
                {{"reason", single ? "too long" : "not exactly one frame"}});
      continue;
    }
    listener_.on_envelope(std::move(bytes));
  }
}

Result<std::unique_ptr<ZmqControlLink>> ZmqControlLink::create(const ZmqControlLinkOptions& options,
                                                               ControlLinkListener& listener) {
  auto worker = std::make_unique<Worker>(listener);
  if (const auto started = worker->start(options); !started) return started.error();
  return std::unique_ptr<ZmqControlLink>(new ZmqControlLink(std::move(worker)));
}

ZmqControlLink::ZmqControlLink(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
ZmqControlLink::~ZmqControlLink() = default;

Result<void> ZmqControlLink::send(std::string bytes) { return worker_->queue(std::move(bytes)); }
std::size_t ZmqControlLink::send_all(std::vector<std::string> messages) {
  return worker_->queue_all(std::move(messages));
}

}  // namespace dure::host
