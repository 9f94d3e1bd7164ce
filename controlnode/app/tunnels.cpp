#include "controlnode/app/tunnels.h"

#include <algorithm>
#include <utility>

#include "common/log.h"
#include "protocol/wire/codec_tunnel.h"

namespace dure::control {
namespace {

std::string words(TunnelReason reason) {
  switch (reason) {
    case TunnelReason::closed: return "the API server has closed the connection";
    case TunnelReason::refused: return "the agent refuses: the host's order does not name the node";
    case TunnelReason::unreachable: return "the API server does not answer";
    case TunnelReason::too_many: return "the host has as many tunnels as it may have";
    case TunnelReason::idle: return "nothing was said for too long";
    case TunnelReason::lost: return "the agent has started anew";
  }
  return {};
}

void run(const std::vector<std::function<void()>>& calls) {
  for (const auto& call : calls) call();
}

}  // namespace

// One stream, in whatever state; guarded by the lock.
struct Tunnels::Pipe {
  std::string cluster;
  // While it is being opened.
  Done done;
  std::vector<ApiServerNode> left;  // to be tried, the best last
  ApiServerNode node;               // that is or was tried
  std::string failure;              // of the last one
  SteadyPoint deadline;

  StreamNumber number = 0;          // in the trunk of the node's host; 0: in none any more
  std::string incoming;
  bool heard_all = false, said_all = false, broken = false;
  bool blocked = false;             // has more to write than there was room for
  SteadyPoint used_at;
  std::function<void()> changed;
};

struct Tunnels::Trunk {
  explicit Trunk(TrunkId id, SteadyPoint now) : end(id), heard_at(now), asked_at(now), used_at(now) {}
  wire::TunnelTrunk end;
  StreamNumber last = 0;
  std::map<StreamNumber, PipePtr> pipes;
  SteadyPoint heard_at, asked_at, used_at;
};

class Tunnels::Stream final : public TunnelStream {
 public:
  Stream(Tunnels& tunnels, PipePtr pipe) : tunnels_(tunnels), pipe_(std::move(pipe)) {}
  ~Stream() override {
    locked([this](Calls& calls) {
      pipe_->changed = nullptr;
      tunnels_.close(pipe_, TunnelReason::closed, calls);
      tunnels_.pipes_.erase(pipe_);
    });
  }
  Stream(const Stream&) = delete;
  Stream& operator=(const Stream&) = delete;

  std::string read() override {
    std::string bytes;
    locked([&](Calls& calls) {
      bytes.swap(pipe_->incoming);
      if (bytes.empty()) return;
      pipe_->used_at = tunnels_.clock_.now();
      if (auto* trunk = tunnels_.trunk_of(*pipe_)) {
        trunk->end.consumed(pipe_->number, bytes.size());
        tunnels_.flush(pipe_->node.host, calls);
      }
    });
    return bytes;
  }

  bool at_end() override {
    const std::lock_guard lock(tunnels_.mutex_);
    return pipe_->heard_all && pipe_->incoming.empty();
  }

  std::size_t write(std::string_view bytes) override {
    std::size_t taken = 0;
    locked([&](Calls& calls) {
      while (taken < bytes.size()) {
        auto* trunk = tunnels_.trunk_of(*pipe_);
        const auto room = trunk == nullptr ? 0 : trunk->end.room(pipe_->number);
        if (room == 0) break;
        const auto piece = bytes.substr(taken, room);
        trunk->end.send(TunnelData{pipe_->number, std::string(piece)});
        taken += piece.size();
        pipe_->used_at = tunnels_.clock_.now();
        tunnels_.flush(pipe_->node.host, calls);
      }
      pipe_->blocked = taken < bytes.size();
    });
    return taken;
  }

  void finish() override {
    locked([this](Calls& calls) {
      auto* trunk = tunnels_.trunk_of(*pipe_);
      if (trunk == nullptr || std::exchange(pipe_->said_all, true)) return;
      trunk->end.send(TunnelEnd{pipe_->number});
      if (!trunk->end.knows(pipe_->number)) trunk->pipes.erase(std::exchange(pipe_->number, 0));
      tunnels_.flush(pipe_->node.host, calls);
    });
  }

  bool broken() override {
    const std::lock_guard lock(tunnels_.mutex_);
    return pipe_->broken;
  }

  void watch(std::function<void()> changed) override {
    const std::lock_guard lock(tunnels_.mutex_);
    pipe_->changed = std::move(changed);
  }

 private:
  void locked(const std::function<void(Calls&)>& act) {
    Calls calls;
    {
      const std::lock_guard lock(tunnels_.mutex_);
      act(calls);
    }
    run(calls);
  }

  Tunnels& tunnels_;
  PipePtr pipe_;
};

Tunnels::Tunnels(Api& api, AgentLink& agents, TunnelSwitch& from, SteadyClock& clock, Random& random,
                 TunnelTiming timing)
    : api_(api), agents_(agents), from_(from), clock_(clock), random_(random), timing_(timing) {
  from_.connect(this);
}

Tunnels::~Tunnels() { from_.connect(nullptr); }

void Tunnels::open(const std::string& cluster, Done done) {
  api_.query([this, cluster, done = std::move(done)](const Result<ModelView>& model) {
    if (!model) return done(model.error());
    begin(cluster, api_server_nodes(**model, cluster, model->now().steady), done);
  });
}

void Tunnels::begin(const std::string& cluster, Result<std::vector<ApiServerNode>> nodes, Done done) {
  if (!nodes) return done(nodes.error());
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    if (pipes_.size() >= kMostStreams) {
      calls.emplace_back([done] { done(Error{Errc::unavailable, "there are too many tunnels"}); });
    } else {
      const auto pipe = std::make_shared<Pipe>();
      pipe->cluster = cluster;
      pipe->done = std::move(done);
      pipe->left.assign(nodes->rbegin(), nodes->rend());
      pipes_.insert(pipe);
      try_next(pipe, calls);
    }
  }
  run(calls);
}

void Tunnels::try_next(const PipePtr& pipe, Calls& calls) {
  while (!pipe->left.empty()) {
    const auto node = std::move(pipe->left.back());
    pipe->left.pop_back();
    if (ask(pipe, node, calls)) return;
  }
  if (!pipe->done) return;
  pipes_.erase(pipe);
  calls.emplace_back([done = std::exchange(pipe->done, nullptr), node = pipe->node.name,
                      failure = pipe->failure] {
    done(Error{Errc::unavailable, "node '" + node + "': " + failure});
  });
}

// False: that node will not do. When the sending fails, what became of the pipe is settled already.
bool Tunnels::ask(const PipePtr& pipe, const ApiServerNode& node, Calls& calls) {
  pipe->node = node;
  auto& trunk = trunk_to(node.host);
  if (trunk.pipes.size() >= kMaxTunnelsPerHost) {
    pipe->failure = words(TunnelReason::too_many);
    return false;
  }
  pipe->number = ++trunk.last;
  pipe->deadline = clock_.now() + timing_.open_within;
  pipe->used_at = clock_.now();
  trunk.pipes.emplace(pipe->number, pipe);
  trunk.end.open(pipe->number);
  trunk.end.send(TunnelOpen{pipe->number, node.node, kTunnelPort});
  flush(node.host, calls);
  return true;
}

Tunnels::Trunk& Tunnels::trunk_to(const HostId& host) {
  auto& trunk = trunks_[host];
  if (!trunk) trunk = std::make_unique<Trunk>(TrunkId{uuid_from_random(random_.bytes16())}, clock_.now());
  return *trunk;
}

Tunnels::Trunk* Tunnels::trunk_of(const Pipe& pipe) {
  if (pipe.number == 0) return nullptr;
  const auto found = trunks_.find(pipe.node.host);
  return found == trunks_.end() ? nullptr : found->second.get();
}

void Tunnels::on_agent_message(const HostId& host, std::string bytes) {
  auto frame = wire::decode_tunnel_frame(bytes);
  if (!frame) {
    log::warn("a frame of a tunnel was refused",
              {{"host", host.str()}, {"reason", frame.error().message}});
    return;
  }
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    const auto found = trunks_.find(host);
    // What a trunk that was given up still had under way.
    if (found == trunks_.end() || found->second->end.id() != frame->trunk) return;
    auto& trunk = *found->second;
    trunk.heard_at = clock_.now();
    auto body = trunk.end.receive(std::move(*frame));
    const auto* closed = body ? std::get_if<TunnelClose>(&*body) : nullptr;
    if (!body || std::holds_alternative<TunnelOpen>(*body)) {
      drop(host, "the agent breaks the rules", calls);
    } else if (closed != nullptr && closed->reason == TunnelReason::lost) {
      drop(host, words(closed->reason), calls);
    } else {
      obey(trunk, std::move(*body), calls);
      wake_blocked(host, calls);
      flush(host, calls);
    }
  }
  run(calls);
}

void Tunnels::obey(Trunk& trunk, TunnelBody&& body, Calls& calls) {
  const auto number = wire::stream_of(body);
  const auto found = trunk.pipes.find(number);
  if (found == trunk.pipes.end()) return;
  const PipePtr pipe = found->second;
  pipe->used_at = clock_.now();
  if (auto* data = std::get_if<TunnelData>(&body)) {
    pipe->incoming += data->bytes;
  } else if (std::holds_alternative<TunnelOpened>(body)) {
    return opened(pipe, calls);
  } else if (const auto* closed = std::get_if<TunnelClose>(&body)) {
    trunk.pipes.erase(found);
    pipe->number = 0;
    return end(pipe, words(closed->reason), calls);
  } else if (std::holds_alternative<TunnelEnd>(body)) {
    pipe->heard_all = true;
    if (!trunk.end.knows(number)) {
      trunk.pipes.erase(found);
      pipe->number = 0;
    }
  }
  if (pipe->changed) calls.push_back(pipe->changed);
}

void Tunnels::opened(const PipePtr& pipe, Calls& calls) {
  if (!pipe->done) return;
  log::info("tunnel opened", {{"cluster", pipe->cluster}, {"node", pipe->node.name}});
  std::shared_ptr<TunnelStream> stream = std::make_shared<Stream>(*this, pipe);
  // Handed on whole: when its user lets go of it, it closes.
  calls.emplace_back([done = std::exchange(pipe->done, nullptr), stream = std::move(stream)]() mutable {
    done(std::move(stream));
  });
}

// The pipe is in no trunk any more.
void Tunnels::end(const PipePtr& pipe, const std::string& reason, Calls& calls) {
  if (pipe->done) {
    pipe->failure = reason;
    return try_next(pipe, calls);
  }
  log::info("tunnel closed", {{"cluster", pipe->cluster}, {"node", pipe->node.name}, {"reason", reason}});
  pipe->broken = true;
  if (pipe->changed) calls.push_back(pipe->changed);
}

void Tunnels::wake_blocked(const HostId& host, Calls& calls) {
  const auto found = trunks_.find(host);
  if (found == trunks_.end()) return;
  for (const auto& [number, pipe] : found->second->pipes) {
    if (!pipe->blocked || found->second->end.room(number) == 0) continue;
    pipe->blocked = false;
    if (pipe->changed) calls.push_back(pipe->changed);
  }
}

void Tunnels::flush(const HostId& host, Calls& calls) {
  const auto found = trunks_.find(host);
  if (found == trunks_.end()) return;
  std::vector<AddressedMessage> messages;
  for (const auto& frame : found->second->end.outgoing()) messages.push_back({host, wire::encode(frame)});
  const auto wanted = messages.size();
  // What does not leave would be a gap for the agent.
  if (wanted > 0 && agents_.send_all(std::move(messages)) < wanted) {
    drop(host, "the host is not connected", calls);
  }
}

void Tunnels::drop(const HostId& host, const std::string& reason, Calls& calls) {
  const auto found = trunks_.find(host);
  if (found == trunks_.end()) return;
  const auto pipes = std::move(found->second->pipes);
  trunks_.erase(found);
  for (const auto& [number, pipe] : pipes) pipe->number = 0;
  for (const auto& [number, pipe] : pipes) end(pipe, reason, calls);
}

void Tunnels::close(const PipePtr& pipe, TunnelReason reason, Calls& calls) {
  auto* trunk = trunk_of(*pipe);
  if (trunk == nullptr) return;
  trunk->pipes.erase(pipe->number);
  trunk->end.send(TunnelClose{std::exchange(pipe->number, 0), reason});
  flush(pipe->node.host, calls);
}

void Tunnels::tick() {
  Calls calls;
  {
    const std::lock_guard lock(mutex_);
    const auto now = clock_.now();
    std::vector<HostId> hosts;
    for (const auto& [host, trunk] : trunks_) hosts.push_back(host);
    for (const auto& host : hosts) tick_trunk(host, calls);
    const auto pipes = pipes_;
    for (const auto& pipe : pipes) {
      if (pipe->done ? now < pipe->deadline : now - pipe->used_at < timing_.idle || pipe->broken) continue;
      const auto reason = pipe->done ? TunnelReason::unreachable : TunnelReason::idle;
      close(pipe, TunnelReason::closed, calls);
      end(pipe, words(reason), calls);
    }
  }
  run(calls);
}

void Tunnels::tick_trunk(const HostId& host, Calls& calls) {
  const auto now = clock_.now();
  const auto found = trunks_.find(host);
  if (found == trunks_.end()) return;
  auto& trunk = *found->second;
  if (!trunk.pipes.empty()) trunk.used_at = now;
  if (now - trunk.heard_at > timing_.silence) return drop(host, "the agent is silent", calls);
  if (now - trunk.used_at > timing_.keep_unused) return drop(host, "", calls);
  if (now - trunk.asked_at < timing_.ask_every) return;
  trunk.asked_at = now;
  if (!agents_.send(host, wire::encode(trunk.end.receipt(true)))) {
    drop(host, "the host is not connected", calls);
  }
}

SteadyPoint Tunnels::next_wake() {
  const std::lock_guard lock(mutex_);
  const bool quiet = trunks_.empty() && pipes_.empty();
  return clock_.now() + (quiet ? Duration(std::chrono::hours(1)) : Duration(std::chrono::seconds(1)));
}

}  // namespace dure::control
