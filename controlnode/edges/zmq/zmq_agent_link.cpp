#include "controlnode/edges/zmq/zmq_agent_link.h"

#include <zmq.h>

#include <algorithm>
#include <atomic>
#include <charconv>
#include <cstring>
#include <deque>
#include <exception>
#include <mutex>
#include <optional>
#include <thread>
#include <unordered_map>

#include "common/log.h"
#include "controlnode/edges/zmq/admission.h"
#include "controlnode/edges/zmq/connections.h"
#include "controlnode/edges/zmq/curve_keys.h"
#include "controlnode/edges/zmq/curve_listener.h"
#include "controlnode/edges/zmq/gatekeeper.h"
#include "controlnode/edges/zmq/zmq_handle.h"
#include "protocol/messages/host_report.h"

namespace dure::control {
namespace {

constexpr int kMaxSockets = 16384;
constexpr int kIoThreads = 2;
constexpr std::size_t kMaxQueuedMessages = 16384;
constexpr std::size_t kMaxQueuedBytes = std::size_t{256} << 20;
// After so many messages the queue of sends has its turn.
constexpr int kReceiveBatch = 256;
constexpr const char* kMonitorEndpoint = "inproc://agent-connections";

using Outgoing = AddressedMessage;

// Where a host has spoken: on which connection, and with which key, which may not be its key any more.
struct Way {
  std::string routing_id;
  std::string key;
  int descriptor = -1;

  friend bool operator==(const Way&, const Way&) = default;
};

// What one read of the socket gave.
struct Incoming {
  Way way;
  HostId host;
  std::string bytes;
};

// Of "tcp://address:port".
std::uint16_t port_of(const std::string& endpoint) {
  std::uint16_t port = 0;
  const auto digits = std::string_view(endpoint).substr(endpoint.rfind(':') + 1);
  std::from_chars(digits.data(), digits.data() + digits.size(), port);
  return port;
}

}  // namespace

class ZmqAgentLink::Worker {
 public:
  explicit Worker(AgentLinkListener& listener) : listener_(listener) {}
  ~Worker();
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  Result<void> start(const ZmqAgentLinkOptions& options);
  void admit(const std::vector<AdmittedHost>& hosts) { admission_.replace(hosts); }
  Result<void> queue(const HostId& host, std::string bytes);
  std::size_t queue_all(std::vector<AddressedMessage> messages);
  const std::string& endpoint() const { return endpoint_; }
  std::uint64_t refusals() const { return refusals_; }

 private:
  Result<void> queue_locked(const HostId& host, std::string bytes);
  Result<void> listen(const std::string& endpoint);
  void run();
  long patience_ms();
  void follow_connections();
  void receive_some();
  bool read_message(bool& genuine, Incoming& message);
  void remember(const HostId& host, const Way& way);
  void forget(const HostId& host, const std::string& routing_id);
  void send_queued();
  void send_now(const Outgoing& message);
  void note_refusal(std::string_view reason);

  AgentLinkListener& listener_;
  Admission admission_;
  std::string seal_;
  std::string endpoint_;

  ZmqContext context_;
  std::unique_ptr<Gatekeeper> gatekeeper_;
  ZmqSocket socket_;
  ZmqSocket monitor_;
  std::optional<Connections> connections_;
  Wakeup wakeup_;
  std::atomic<bool> stopping_{false};

  // Where each host spoke last; and back, so that no two hosts share a way.
  std::unordered_map<HostId, Way, IdHash> way_to_;
  std::unordered_map<std::string, HostId> host_at_;
  std::atomic<std::uint64_t> refusals_{0};

  std::mutex mutex_;  // guards what follows
  std::deque<Outgoing> queue_;
  std::size_t queued_bytes_ = 0;
  std::unordered_map<HostId, std::string, IdHash> connected_;  // with which key it spoke last

  std::thread thread_;
};

ZmqAgentLink::Worker::~Worker() {
  stopping_ = true;
  wakeup_.signal();
  if (thread_.joinable()) thread_.join();
  if (socket_) zmq_socket_monitor(socket_.get(), nullptr, 0);
  monitor_.reset();
  socket_.reset();
  gatekeeper_.reset();
}

Result<void> ZmqAgentLink::Worker::start(const ZmqAgentLinkOptions& options) {
  const CurveListenerOptions listener{options.curve_secret_key, true};
  if (const auto proven = prove_unknown_key_is_refused(listener); !proven) return proven;
  // libzmq's own random source, as it makes keys: 40 characters that nobody can guess.
  auto random = generate_curve_keys();
  if (!random) return random.error();
  seal_ = std::move(random->secret_key);

  context_.reset(zmq_ctx_new());
  if (!context_ || zmq_ctx_set(context_.get(), ZMQ_MAX_SOCKETS, kMaxSockets) != 0 ||
      zmq_ctx_set(context_.get(), ZMQ_IO_THREADS, kIoThreads) != 0) {
    return zmq_failure("cannot make a context for agents");
  }
  auto gatekeeper = Gatekeeper::start(context_.get(), admission_, seal_);
  if (!gatekeeper) return gatekeeper.error();
  gatekeeper_ = std::move(gatekeeper).value();
  auto socket = make_curve_listener(context_.get(), listener);
  if (!socket) return socket.error();
  socket_ = std::move(socket).value();
  if (auto listening = listen(options.endpoint); !listening) return listening;
  connections_.emplace(port_of(endpoint_), options.first_word_within);
  thread_ = std::thread([this] { run(); });
  return {};
}

Result<void> ZmqAgentLink::Worker::listen(const std::string& endpoint) {
  monitor_.reset(zmq_socket(context_.get(), ZMQ_PAIR));
  const int without_limit = 0;  // else libzmq's own threads would wait for this one
  if (!monitor_ || zmq_setsockopt(monitor_.get(), ZMQ_LINGER, &without_limit, sizeof without_limit) != 0 ||
      zmq_setsockopt(monitor_.get(), ZMQ_RCVHWM, &without_limit, sizeof without_limit) != 0 ||
      zmq_socket_monitor(socket_.get(), kMonitorEndpoint, ZMQ_EVENT_ACCEPTED | ZMQ_EVENT_DISCONNECTED) != 0 ||
      zmq_connect(monitor_.get(), kMonitorEndpoint) != 0) {
    return zmq_failure("cannot watch the connections of agents");
  }
  if (zmq_bind(socket_.get(), endpoint.c_str()) != 0) {
    return zmq_failure("cannot listen for agents on " + endpoint);
  }
  char bound[256] = {};
  std::size_t length = sizeof bound;
  if (zmq_getsockopt(socket_.get(), ZMQ_LAST_ENDPOINT, bound, &length) != 0) {
    return zmq_failure("cannot read the endpoint for agents");
  }
  endpoint_ = bound;
  return {};
}

Result<void> ZmqAgentLink::Worker::queue(const HostId& host, std::string bytes) {
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    wake = queue_.empty();
    if (auto queued = queue_locked(host, std::move(bytes)); !queued) return queued;
  }
  if (wake) wakeup_.signal();
  return {};
}

std::size_t ZmqAgentLink::Worker::queue_all(std::vector<AddressedMessage> messages) {
  std::size_t queued = 0;
  bool wake = false;
  {
    const std::lock_guard lock(mutex_);
    wake = queue_.empty();
    for (auto& message : messages) {
      if (queue_locked(message.host, std::move(message.bytes))) ++queued;
    }
  }
  if (wake && queued > 0) wakeup_.signal();
  return queued;
}

// Only with the mutex held.
Result<void> ZmqAgentLink::Worker::queue_locked(const HostId& host, std::string bytes) {
  if (!admission_.admits(host)) {
    return Error{Errc::unavailable, "host " + host.str() + " is not admitted"};
  }
  // Whoever spoke with another key was this host before, and may still have its connection.
  const auto connected = connected_.find(host);
  if (connected == connected_.end() || !admission_.speaks_for(connected->second, host)) {
    return Error{Errc::unavailable, "host " + host.str() + " is not connected"};
  }
  if (queue_.size() >= kMaxQueuedMessages || queued_bytes_ + bytes.size() > kMaxQueuedBytes) {
    return Error{Errc::unavailable, "too many messages wait for agents"};
  }
  queued_bytes_ += bytes.size();
  queue_.push_back({host, std::move(bytes)});
  return {};
}

void ZmqAgentLink::Worker::run() {
  while (!stopping_) {
    wait_for_input({socket_.get(), monitor_.get()}, wakeup_, patience_ms());
    try {
      send_queued();
      follow_connections();
      receive_some();
      connections_->end_silent(Connections::Steady::now());
    } catch (const std::exception& error) {
      log::error("a message of an agent could not be handled", {{"reason", error.what()}});
    }
  }
}

long ZmqAgentLink::Worker::patience_ms() {
  const auto due = connections_->next_end();
  if (!due) return -1;
  const auto left = std::chrono::ceil<std::chrono::milliseconds>(*due - Connections::Steady::now());
  return std::max<long>(left.count(), 0);
}

void ZmqAgentLink::Worker::follow_connections() {
  ZmqFrame frame;
  while (frame.receive(monitor_.get())) {
    // Event and descriptor; what follows is our own address.
    std::uint16_t event = 0;
    std::uint32_t descriptor = 0;
    if (const auto bytes = frame.bytes(); bytes.size() == sizeof event + sizeof descriptor) {
      std::memcpy(&event, bytes.data(), sizeof event);
      std::memcpy(&descriptor, bytes.data() + sizeof event, sizeof descriptor);
    }
    while (frame.more() && frame.receive(monitor_.get())) {
    }
    if (event == ZMQ_EVENT_ACCEPTED) {
      connections_->accepted(static_cast<int>(descriptor), Connections::Steady::now());
    } else if (event == ZMQ_EVENT_DISCONNECTED) {
      connections_->ended(static_cast<int>(descriptor));
    }
  }
}

void ZmqAgentLink::Worker::receive_some() {
  for (int i = 0; i < kReceiveBatch && !stopping_; ++i) {
    bool genuine = false;
    Incoming message;
    if (!read_message(genuine, message)) return;
    if (!genuine) continue;
    remember(message.host, message.way);
    listener_.on_agent_message(message.host, std::move(message.bytes));
  }
}

// False when nothing waits. `genuine` when it is one frame from an admitted host.
bool ZmqAgentLink::Worker::read_message(bool& genuine, Incoming& message) {
  ZmqFrame frame;
  if (!frame.receive(socket_.get())) return false;
  message.way.routing_id = frame.bytes();
  std::size_t frames = 0;
  std::string_view fault;
  while (frame.more() && frame.receive(socket_.get())) {
    if (++frames > 1) continue;
    const auto host = HostId::parse(frame.property(kUserProperty));
    const auto key = frame.property(kKeyProperty);
    if (frame.property(kSealProperty) != seal_ || !host) {
      fault = "the gatekeeper has not let this connection in";
    } else if (!admission_.speaks_for(key, *host)) {
      fault = "the host is not admitted any more";
      // On another connection the same host may be at work with its new key.
      forget(*host, message.way.routing_id);
    } else if (frame.bytes().size() > kMaxReportBytes) {
      fault = "too long";
    } else {
      message.host = *host;
      message.way.key = key;
      message.way.descriptor = frame.descriptor();
      message.bytes = frame.bytes();
    }
  }
  if (frames != 1) fault = "not exactly one frame";
  genuine = fault.empty();
  if (!genuine) note_refusal(fault);
  return true;
}

void ZmqAgentLink::Worker::remember(const HostId& host, const Way& way) {
  auto& known = way_to_[host];
  if (known == way) return;
  if (!connections_->knows(way.descriptor)) follow_connections();
  connections_->heard(way.descriptor, way.key);
  if (!known.routing_id.empty()) host_at_.erase(known.routing_id);
  known = way;
  // A peer may choose its routing id: whoever was here before is not here any more.
  const auto [entry, is_new] = host_at_.try_emplace(way.routing_id, host);
  if (!is_new) {
    const HostId former = entry->second;
    entry->second = host;
    way_to_.erase(former);
    const std::lock_guard lock(mutex_);
    connected_.erase(former);
  }
  const std::lock_guard lock(mutex_);
  connected_[host] = way.key;
}

// Unless it has spoken elsewhere since.
void ZmqAgentLink::Worker::forget(const HostId& host, const std::string& routing_id) {
  const auto way = way_to_.find(host);
  if (way == way_to_.end() || way->second.routing_id != routing_id) return;
  host_at_.erase(routing_id);
  way_to_.erase(way);
  const std::lock_guard lock(mutex_);
  connected_.erase(host);
}

void ZmqAgentLink::Worker::send_queued() {
  std::deque<Outgoing> batch;
  {
    const std::lock_guard lock(mutex_);
    batch.swap(queue_);
    queued_bytes_ = 0;
  }
  for (const auto& message : batch) send_now(message);
}

void ZmqAgentLink::Worker::send_now(const Outgoing& message) {
  const auto way = way_to_.find(message.host);
  // Gone or revoked since it was queued; the outbox sends again when the host speaks.
  if (way == way_to_.end() || !admission_.speaks_for(way->second.key, message.host)) return;
  const std::string routing_id = way->second.routing_id;
  if (zmq_send(socket_.get(), routing_id.data(), routing_id.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
    // EAGAIN: the peer does not read; dropped, because a newer order will follow.
    if (zmq_errno() == EHOSTUNREACH) forget(message.host, routing_id);
    return;
  }
  if (zmq_send(socket_.get(), message.bytes.data(), message.bytes.size(), ZMQ_DONTWAIT) < 0) {
    log::warn("an order could not be queued", {{"host", message.host.str()}});
  }
}

void ZmqAgentLink::Worker::note_refusal(std::string_view reason) {
  const std::uint64_t count = ++refusals_;
  // Each doubling only, so that a hostile peer cannot fill the log.
  if ((count & (count - 1)) == 0) {
    log::warn("refused a message on the agents' channel",
              {{"reason", std::string(reason)}, {"count", std::to_string(count)}});
  }
}

Result<std::unique_ptr<ZmqAgentLink>> ZmqAgentLink::create(const ZmqAgentLinkOptions& options,
                                                           AgentLinkListener& listener) {
  auto worker = std::make_unique<Worker>(listener);
  if (const auto started = worker->start(options); !started) return started.error();
  return std::unique_ptr<ZmqAgentLink>(new ZmqAgentLink(std::move(worker)));
}

ZmqAgentLink::ZmqAgentLink(std::unique_ptr<Worker> worker) : worker_(std::move(worker)) {}
ZmqAgentLink::~ZmqAgentLink() = default;

void ZmqAgentLink::admit(std::vector<AdmittedHost> hosts) { worker_->admit(hosts); }

Result<void> ZmqAgentLink::send(const HostId& host, std::string bytes) {
  return worker_->queue(host, std::move(bytes));
}

std::size_t ZmqAgentLink::send_all(std::vector<AddressedMessage> messages) {
  return worker_->queue_all(std::move(messages));
}

const std::string& ZmqAgentLink::endpoint() const { return worker_->endpoint(); }
std::uint64_t ZmqAgentLink::refused_messages() const { return worker_->refusals(); }

}  // namespace dure::control
