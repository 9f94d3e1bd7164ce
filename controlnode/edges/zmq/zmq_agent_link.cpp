#include "controlnode/edges/zmq/zmq_agent_link.h"

#include <zmq.h>

#include <atomic>
#include <deque>
#include <exception>
#include <mutex>
#include <thread>
#include <unordered_map>

#include "common/log.h"
#include "controlnode/edges/zmq/admission.h"
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

using Outgoing = AddressedMessage;

// What one read of the socket gave.
struct Incoming {
  std::string routing_id;
  HostId host;
  std::string bytes;
};

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
  void run();
  void receive_some();
  bool read_message(bool& genuine, Incoming& message);
  void remember(const HostId& host, const std::string& routing_id);
  void forget(const HostId& host);
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
  Wakeup wakeup_;
  std::atomic<bool> stopping_{false};

  // Where each host spoke last; and back, so that no two hosts share a way.
  std::unordered_map<HostId, std::string, IdHash> way_to_;
  std::unordered_map<std::string, HostId> host_at_;
  std::atomic<std::uint64_t> refusals_{0};

  std::mutex mutex_;  // guards what follows
  std::deque<Outgoing> queue_;
  std::size_t queued_bytes_ = 0;
  std::unordered_map<HostId, bool, IdHash> connected_;

  std::thread thread_;
};

ZmqAgentLink::Worker::~Worker() {
  stopping_ = true;
  wakeup_.signal();
  if (thread_.joinable()) thread_.join();
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
  if (zmq_bind(socket_.get(), options.endpoint.c_str()) != 0) {
    return zmq_failure("cannot listen for agents on " + options.endpoint);
  }
  char bound[256] = {};
  std::size_t length = sizeof bound;
  if (zmq_getsockopt(socket_.get(), ZMQ_LAST_ENDPOINT, bound, &length) != 0) {
    return zmq_failure("cannot read the endpoint for agents");
  }
  endpoint_ = bound;
  thread_ = std::thread([this] { run(); });
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
  if (!connected_.contains(host)) {
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
    wait_for_input(socket_.get(), wakeup_);
    try {
      send_queued();
      receive_some();
    } catch (const std::exception& error) {
      log::error("a message of an agent could not be handled", {{"reason", error.what()}});
    }
  }
}

void ZmqAgentLink::Worker::receive_some() {
  for (int i = 0; i < kReceiveBatch && !stopping_; ++i) {
    bool genuine = false;
    Incoming message;
    if (!read_message(genuine, message)) return;
    if (!genuine) continue;
    remember(message.host, message.routing_id);
    listener_.on_agent_message(message.host, std::move(message.bytes));
  }
}

// False when nothing waits. `genuine` when it is one frame from an admitted host.
bool ZmqAgentLink::Worker::read_message(bool& genuine, Incoming& message) {
  ZmqFrame frame;
  if (!frame.receive(socket_.get())) return false;
  message.routing_id = frame.bytes();
  std::size_t frames = 0;
  std::string_view fault;
  while (frame.more() && frame.receive(socket_.get())) {
    if (++frames > 1) continue;
    const auto host = HostId::parse(frame.property(kUserProperty));
    if (frame.property(kSealProperty) != seal_ || !host) {
      fault = "the gatekeeper has not let this connection in";
    } else if (!admission_.speaks_for(frame.property(kKeyProperty), *host)) {
      fault = "the host is not admitted any more";
      forget(*host);
    } else if (frame.bytes().size() > kMaxReportBytes) {
      fault = "too long";
    } else {
      message.host = *host;
      message.bytes = frame.bytes();
    }
  }
  if (frames != 1) fault = "not exactly one frame";
  genuine = fault.empty();
  if (!genuine) note_refusal(fault);
  return true;
}

void ZmqAgentLink::Worker::remember(const HostId& host, const std::string& routing_id) {
  auto& way = way_to_[host];
  if (way == routing_id) return;
  if (!way.empty()) host_at_.erase(way);
  way = routing_id;
  // A peer may choose its routing id: whoever was here before is not here any more.
  const auto [entry, is_new] = host_at_.try_emplace(routing_id, host);
  if (!is_new) {
    const HostId former = entry->second;
    entry->second = host;
    way_to_.erase(former);
    const std::lock_guard lock(mutex_);
    connected_.erase(former);
  }
  const std::lock_guard lock(mutex_);
  connected_[host] = true;
}

void ZmqAgentLink::Worker::forget(const HostId& host) {
  const auto way = way_to_.find(host);
  if (way == way_to_.end()) return;
  host_at_.erase(way->second);
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
  if (way == way_to_.end() || !admission_.admits(message.host)) return;
  const std::string& routing_id = way->second;
  if (zmq_send(socket_.get(), routing_id.data(), routing_id.size(), ZMQ_SNDMORE | ZMQ_DONTWAIT) < 0) {
    // EAGAIN: the peer does not read; dropped, because a newer order will follow.
    if (zmq_errno() == EHOSTUNREACH) forget(message.host);
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
