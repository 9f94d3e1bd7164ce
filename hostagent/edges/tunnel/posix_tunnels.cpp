#include "hostagent/edges/tunnel/posix_tunnels.h"

#include <poll.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <cerrno>
#include <cstring>
#include <exception>
#include <map>
#include <mutex>
#include <optional>
#include <thread>
#include <utility>

#include "common/log.h"
#include "hostagent/edges/tunnel/guest_socket.h"
#include "protocol/wire/codec_tunnel.h"
#include "protocol/wire/tunnel_trunk.h"

namespace dure::host {
namespace {

using Steady = GuestSocket::Steady;
using std::chrono::milliseconds;

// More than a trunk has under way; beyond it a peer breaks the rules, and the gap ends its trunk.
constexpr std::size_t kMostFrames = 4 * wire::TunnelTrunk::kInFlight;
// Deadlines of streams are looked at so often.
constexpr milliseconds kLookEvery(1000);

}  // namespace

class PosixTunnels::Worker : public ControlLinkListener {
 public:
  Worker(ControlLink& link, PosixTunnelsOptions options, int wake)
      : link_(link), options_(options), wake_(wake) {
    thread_ = std::thread([this] { run(); });
  }
  ~Worker() override {
    stopping_ = true;
    rouse();
    thread_.join();
    ::close(wake_);
  }
  Worker(const Worker&) = delete;
  Worker& operator=(const Worker&) = delete;

  void on_envelope(std::string bytes) override {
    {
      const std::lock_guard lock(mutex_);
      if (frames_.size() >= kMostFrames) return;
      frames_.push_back(std::move(bytes));
    }
    rouse();
  }
  void allow(std::vector<TunnelTarget> targets) {
    {
      const std::lock_guard lock(mutex_);
      allowed_ = std::move(targets);
    }
    rouse();
  }

 private:
  using Sockets = std::map<StreamNumber, std::unique_ptr<GuestSocket>>;

  void run();
  void take_news();
  void take_frame(std::string_view bytes);
  void obey(TunnelBody&& body);
  void open(const TunnelOpen& wanted);
  void allow_now(std::vector<TunnelTarget> targets);
  void refuse(StreamNumber stream, TunnelReason reason);
  void wait_and_serve();
  short wanted_of(StreamNumber stream, const GuestSocket& socket) const;
  void serve(StreamNumber stream, GuestSocket& socket, short events);
  void settle(StreamNumber stream, const GuestSocket& socket);
  void look_at_deadlines();
  void send_outgoing();
  void give_up(std::string_view reason);
  void rouse() const {
    const std::uint64_t one = 1;
    // A full counter is a wake-up that waits already.
    [[maybe_unused]] const ssize_t written = ::write(wake_, &one, sizeof one);
  }

  ControlLink& link_;
  const PosixTunnelsOptions options_;
  const int wake_;
  std::atomic<bool> stopping_{false};

  std::mutex mutex_;  // guards what follows
  std::vector<std::string> frames_;
  std::optional<std::vector<TunnelTarget>> allowed_;

  // Of the thread.
  std::map<NodeId, Ipv4> targets_;
  std::optional<wire::TunnelTrunk> trunk_;
  StreamNumber highest_ = 0;  // of the trunk: numbers are never used twice
  Sockets sockets_;
  StreamNumber served_last_ = 0;
  bool answer_ = false;
  Steady::time_point heard_at_, looked_at_;
  std::thread thread_;
};

void PosixTunnels::Worker::run() {
  while (!stopping_) {
    try {
      take_news();
      send_outgoing();
      wait_and_serve();
      look_at_deadlines();
    } catch (const std::exception& error) {
      log::error("the tunnels have failed", {{"reason", error.what()}});
      give_up("an exception");
    }
  }
}

void PosixTunnels::Worker::take_news() {
  std::vector<std::string> frames;
  std::optional<std::vector<TunnelTarget>> allowed;
  {
    const std::lock_guard lock(mutex_);
    frames.swap(frames_);
    allowed = std::exchange(allowed_, std::nullopt);
  }
  if (allowed) allow_now(std::move(*allowed));
  for (const auto& bytes : frames) take_frame(bytes);
}

void PosixTunnels::Worker::allow_now(std::vector<TunnelTarget> targets) {
  std::map<NodeId, Ipv4> now;
  for (const auto& target : targets) now.emplace(target.node, target.address);
  std::vector<StreamNumber> gone;
  for (const auto& [stream, socket] : sockets_) {
    const auto before = targets_.find(socket->node());
    const auto after = now.find(socket->node());
    if (after == now.end() || before == targets_.end() || before->second != after->second) {
      gone.push_back(stream);
    }
  }
  targets_ = std::move(now);
  for (const auto stream : gone) refuse(stream, TunnelReason::refused);
}

void PosixTunnels::Worker::take_frame(std::string_view bytes) {
  auto frame = wire::decode_tunnel_frame(bytes);
  if (!frame) {
    log::warn("a frame of a tunnel was refused", {{"reason", frame.error().message}});
    return;
  }
  if (!trunk_ || frame->trunk != trunk_->id()) {
    if (frame->number != 1) {
      // Of a trunk that this process has given up or never had: the control node is to know at once.
      const TunnelFrame lost{frame->trunk, 0, 0, false, TunnelClose{0, TunnelReason::lost}};
      [[maybe_unused]] const auto told = link_.send(wire::encode(lost));
      return;
    }
    give_up("the control node began anew");
    trunk_.emplace(frame->trunk);
    highest_ = 0;
  }
  heard_at_ = Steady::now();
  answer_ = answer_ || frame->wants_receipt;
  auto body = trunk_->receive(std::move(*frame));
  if (!body) return give_up(body.error().message);
  obey(std::move(*body));
}

void PosixTunnels::Worker::obey(TunnelBody&& body) {
  if (const auto* wanted = std::get_if<TunnelOpen>(&body)) return open(*wanted);
  const auto found = sockets_.find(wire::stream_of(body));
  if (found == sockets_.end()) return;
  if (auto* data = std::get_if<TunnelData>(&body)) {
    found->second->queue(std::move(data->bytes), Steady::now());
  } else if (std::holds_alternative<TunnelEnd>(body)) {
    found->second->queue_end();
  } else if (std::holds_alternative<TunnelClose>(body)) {
    sockets_.erase(found);
  }
}

void PosixTunnels::Worker::open(const TunnelOpen& wanted) {
  if (wanted.stream <= highest_) return give_up("a stream's number was used twice");
  highest_ = wanted.stream;
  const auto target = targets_.find(wanted.node);
  if (wanted.port != kTunnelPort || target == targets_.end()) {
    log::warn("a tunnel was refused: no order of this session allows it",
              {{"node", wanted.node.str()}, {"port", std::to_string(wanted.port)}});
    return refuse(wanted.stream, TunnelReason::refused);
  }
  if (sockets_.size() >= kMaxTunnelsPerHost) return refuse(wanted.stream, TunnelReason::too_many);
  trunk_->open(wanted.stream);
  const auto& socket = *sockets_
                            .emplace(wanted.stream, std::make_unique<GuestSocket>(
                                                        wanted.node, target->second, options_.port,
                                                        Steady::now()))
                            .first->second;
  if (socket.state() == GuestSocket::State::failed) {
    refuse(wanted.stream, TunnelReason::unreachable);
  } else if (socket.state() == GuestSocket::State::open) {
    trunk_->send(TunnelOpened{wanted.stream});
  }
}

void PosixTunnels::Worker::refuse(StreamNumber stream, TunnelReason reason) {
  sockets_.erase(stream);
  if (trunk_) trunk_->send(TunnelClose{stream, reason});
}

void PosixTunnels::Worker::send_outgoing() {
  if (!trunk_) return;
  auto frames = trunk_->outgoing();
  if (std::exchange(answer_, false) && frames.empty()) frames.push_back(trunk_->receipt(false));
  if (frames.empty()) return;
  std::vector<std::string> messages;
  for (const auto& frame : frames) messages.push_back(wire::encode(frame));
  // What does not leave is a gap for the other side.
  if (link_.send_all(std::move(messages)) < frames.size()) give_up("the control node is away");
}

short PosixTunnels::Worker::wanted_of(StreamNumber stream, const GuestSocket& socket) const {
  if (socket.state() == GuestSocket::State::connecting) return POLLOUT;
  short wanted = 0;
  if (!socket.heard_all() && trunk_->room(stream) > 0) wanted |= POLLIN;
  if (socket.has_to_write()) wanted |= POLLOUT;
  return wanted;
}

void PosixTunnels::Worker::wait_and_serve() {
  std::vector<pollfd> entries{{wake_, POLLIN, 0}};
  std::vector<StreamNumber> streams{0};
  const auto add = [&](const auto& entry) {
    const short wanted = wanted_of(entry.first, *entry.second);
    if (wanted == 0) return;
    entries.push_back({entry.second->fd(), wanted, 0});
    streams.push_back(entry.first);
  };
  // Each round begins behind the stream that was served last: all share what the trunk has room for.
  const auto next = sockets_.upper_bound(served_last_);
  std::for_each(next, sockets_.end(), add);
  std::for_each(sockets_.begin(), next, add);
  const int timeout = sockets_.empty() && !trunk_ ? -1 : static_cast<int>(kLookEvery.count());
  if (::poll(entries.data(), entries.size(), timeout) <= 0) return;
  if (entries[0].revents != 0) {
    std::uint64_t count = 0;
    [[maybe_unused]] const ssize_t got = ::read(wake_, &count, sizeof count);
  }
  for (std::size_t i = 1; i < entries.size() && trunk_; ++i) {
    const auto socket = sockets_.find(streams[i]);
    if (entries[i].revents == 0 || socket == sockets_.end()) continue;
    serve(streams[i], *socket->second, entries[i].events);
  }
}

void PosixTunnels::Worker::serve(StreamNumber stream, GuestSocket& socket, short events) {
  const auto now = Steady::now();
  if (socket.state() == GuestSocket::State::connecting) {
    socket.finish_connecting(now);
    if (socket.state() == GuestSocket::State::failed) return refuse(stream, TunnelReason::unreachable);
    return trunk_->send(TunnelOpened{stream});
  }
  if ((events & POLLOUT) != 0) trunk_->consumed(stream, socket.write_some(now));
  if (const auto room = trunk_->room(stream); (events & POLLIN) != 0 && room > 0) {
    auto bytes = socket.read_some(room, now);
    if (!bytes.empty()) {
      served_last_ = stream;
      trunk_->send(TunnelData{stream, std::move(bytes)});
    }
    if (socket.heard_all()) trunk_->send(TunnelEnd{stream});
  }
  settle(stream, socket);
  send_outgoing();
}

void PosixTunnels::Worker::settle(StreamNumber stream, const GuestSocket& socket) {
  if (socket.state() == GuestSocket::State::failed) return refuse(stream, TunnelReason::closed);
  if (socket.said_all() && socket.heard_all()) sockets_.erase(stream);
}

void PosixTunnels::Worker::look_at_deadlines() {
  const auto now = Steady::now();
  if (!trunk_ || now - looked_at_ < kLookEvery) return;
  looked_at_ = now;
  if (now - heard_at_ > options_.silence) return give_up("the control node is silent");
  std::vector<std::pair<StreamNumber, TunnelReason>> over;
  for (const auto& [stream, socket] : sockets_) {
    const bool connecting = socket->state() == GuestSocket::State::connecting;
    const auto limit = connecting ? options_.connect_within : options_.idle;
    if (now - socket->used_at() < limit) continue;
    over.emplace_back(stream, connecting ? TunnelReason::unreachable : TunnelReason::idle);
  }
  for (const auto& [stream, reason] : over) refuse(stream, reason);
}

void PosixTunnels::Worker::give_up(std::string_view reason) {
  if (!sockets_.empty()) {
    log::info("tunnels closed", {{"number", std::to_string(sockets_.size())}, {"reason", std::string(reason)}});
  }
  sockets_.clear();
  trunk_.reset();
  answer_ = false;
}

Result<std::unique_ptr<PosixTunnels>> PosixTunnels::start(ControlLink& link, TunnelSwitch& from,
                                                          PosixTunnelsOptions options) {
  const int wake = ::eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
  if (wake < 0) return Error{Errc::internal, std::string("eventfd: ") + std::strerror(errno)};
  return std::unique_ptr<PosixTunnels>(
      new PosixTunnels(std::make_unique<Worker>(link, options, wake), from));
}

PosixTunnels::PosixTunnels(std::unique_ptr<Worker> worker, TunnelSwitch& from)
    : worker_(std::move(worker)), from_(from) {
  from_.connect(worker_.get());
}

PosixTunnels::~PosixTunnels() { from_.connect(nullptr); }

void PosixTunnels::allow(std::vector<TunnelTarget> targets) { worker_->allow(std::move(targets)); }

}  // namespace dure::host
