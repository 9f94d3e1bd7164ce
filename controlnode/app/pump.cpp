#include "controlnode/app/pump.h"

#include <algorithm>
#include <utility>

#include "common/log.h"
#include "controlnode/core/host_orders.h"
#include "controlnode/core/round_trips.h"
#include "protocol/wire/codec.h"
#include "protocol/wire/envelope.h"

namespace dure::control {
namespace {

constexpr Duration kFirstRetry = std::chrono::seconds(2);
constexpr Duration kMostRetry = std::chrono::seconds(30);
constexpr Duration kIdle = std::chrono::seconds(60);
// Longer than a host has to be silent to lose its place, so that a restart moves nobody.
constexpr Duration kSurvey = std::chrono::seconds(20);
// The deciding thread has to go on: making and signing an order takes it some 0.1 ms.
constexpr std::size_t kMostAtOnce = 256;
// An agent of an earlier version refuses what it does not know, and with it the whole order: one that
// has not been answered so often goes without targets.
constexpr std::uint32_t kTriesWithTargets = 2;

}  // namespace

Pump::Pump(AgentLink& agents, const wire::SigningKey& key, NodeBootstrap& bootstrap)
    : agents_(agents), key_(key), bootstrap_(bootstrap) {}

void Pump::restart(Fence fence, std::string proof, SteadyPoint now) {
  fence_ = fence;
  fence_proof_ = std::move(proof);
  sequence_ = 0;
  told_unsayable_.clear();
  unsayable_.clear();
  // Sessions outlive our restart: agents will show them again with their next report.
  lines_.clear();
  // Not before the agents have had the time to report to this leader.
  survey_at_ = now + kSurvey;
  surveyed_ = false;
}

void Pump::rise(Fence fence, std::string proof) {
  fence_ = fence;
  fence_proof_ = std::move(proof);
  sequence_ = 0;
  for (auto& [host, line] : lines_) {
    line.tries = 0;
    line.not_before = SteadyPoint{};
  }
}

void Pump::take(std::span<const Change> committed) {
  for (const auto& change : committed) {
    if (const auto* put = std::get_if<PutOrder>(&change)) {
      auto& line = lines_[put->host];
      line.generation = put->generation;
      line.tries = 0;
      line.not_before = SteadyPoint{};
    } else if (const auto* node = std::get_if<Node>(&change)) {
      // Asked for anew: if it still cannot be said, that is told anew.
      if (node->state == NodeState::creating || node->state == NodeState::pending) told_unsayable_.erase(node->id);
    } else if (const auto* drop = std::get_if<DropHost>(&change)) {
      lines_.erase(drop->id);
    }
  }
}

void Pump::heard(const Model& model, const HostReport& report) {
  auto& line = lines_[report.host];
  if (line.session != report.session) {
    line.session = report.session;
    line.told.clear();  // a new process measures nobody
    line.tries = 0;
    line.not_before = SteadyPoint{};
  }
  line.accepted_generation = report.accepted_generation;
  line.refused = report.refused.has_value();
  line.measures = !report.round_trips.empty();
  const auto host = model.hosts.find(report.host);
  if (host != model.hosts.end()) line.generation = host->second.generation;
}

void Pump::heard(const OrderAck& ack) {
  const auto found = lines_.find(ack.host);
  if (found == lines_.end() || found->second.session != ack.session) return;
  if (ack.accepted) {
    auto& line = found->second;
    line.accepted_generation = std::max(line.accepted_generation, ack.generation);
    if (ack.sequence == line.sealed_sequence) line.told = line.sealed;
  } else {
    log::warn("order refused by its host",
              {{"host", ack.host.str()}, {"order", ack.order.str()}, {"reason", ack.refusal}});
  }
}

bool Pump::due(const Line& line, SteadyPoint now) const {
  if (line.session.is_nil()) return false;
  if (line.refused || line.generation > line.accepted_generation || (line.renew_at && *line.renew_at <= now)) return true;
  // Who knows a newer order than the database would refuse it.
  if (line.generation != line.accepted_generation) return false;
  // It may still measure for the leader before us.
  return line.targets != line.told || (surveyed_ && line.measures && line.targets.empty());
}

void Pump::survey(const Model& model, SteadyPoint now) {
  if (now < survey_at_) return;
  survey_at_ = now + kSurvey;
  surveyed_ = true;
  auto targets = round_trip_targets(model, now);
  for (auto& [host, line] : lines_) {
    auto wanted = std::move(targets[host]);
    if (wanted == line.targets) continue;
    line.targets = std::move(wanted);
    line.tries = 0;
    line.not_before = SteadyPoint{};
  }
}

SteadyPoint Pump::send_due(const Model& model, const ModelIndex& index, const Now& at) {
  const auto now = at.steady;
  survey(model, now);
  auto wake = now + kIdle;
  // Together: the link is woken once for all that a commit has touched.
  std::vector<AddressedMessage> messages;
  for (auto& [host, line] : lines_) {
    const auto row = model.hosts.find(host);
    if (row == model.hosts.end() || row->second.lost_at) continue;
    if (due(line, now)) {
      // A host that was never ordered anything has an empty order, of generation 0.
      if (line.not_before <= now && messages.size() < kMostAtOnce) {
        seal(model, host_order(model, index, host, at.date), line, now, messages);
      }
      wake = std::min(wake, std::max(line.not_before, now));
    } else if (line.renew_at && !line.session.is_nil()) {
      wake = std::min(wake, *line.renew_at);
    }
  }
  const auto sealed = messages.size();
  if (sealed == 0) return wake;
  if (const auto sent = agents_.send_all(std::move(messages)); sent < sealed) {
    log::debug("orders not sent: hosts not connected", {{"orders", std::to_string(sealed - sent)}});
  }
  return wake;
}

void Pump::seal(const Model& model, HostOrder order, Line& line, SteadyPoint now, std::vector<AddressedMessage>& into) {
  line.tries = std::min(line.tries + 1, 8U);
  line.not_before = now + std::min(kFirstRetry * (std::int64_t{1} << (line.tries - 1)), kMostRetry);
  order.session = line.session;
  order.fence = fence_;
  order.fence_proof = fence_proof_;
  order.sequence = ++sequence_;
  const bool unanswered = order.generation > line.accepted_generation && line.tries > kTriesWithTargets;
  line.sealed = unanswered ? Targets{} : line.targets;
  order.round_trip_targets = line.sealed;
  line.sealed_sequence = order.sequence;
  line.renew_at.reset();
  if (const auto renewal = bootstrap_.fill(model, order, order.issued_at)) line.renew_at = now + *renewal;
  const auto bytes = encode_readably(order);
  auto envelope = bytes ? wire::seal(wire::EnvelopeKind::order, *bytes, key_) : Result<std::string>(bytes.error());
  if (!envelope) {
    log::error("order not signed", {{"host", order.host.str()}, {"reason", envelope.error().message}});
    return;
  }
  into.push_back({order.host, std::move(*envelope)});
}

// An agent refuses an order as a whole, for all tenants of its host. So no order is signed that it could not read: each is
// decoded first, and must be what it was. A VM that cannot be said is left out and fails with its reason; the rest goes.
Result<std::string> Pump::encode_readably(HostOrder& order) {
  const auto unreadable = [](const HostOrder& one) -> std::optional<Error> {
    const auto decoded = wire::decode_host_order(wire::encode(one));
    if (!decoded) return decoded.error();
    if (*decoded == one) return std::nullopt;
    return Error{Errc::internal, "order: does not come back as it was"};
  };
  auto bytes = wire::encode(order);
  if (const auto decoded = wire::decode_host_order(bytes); decoded && *decoded == order) return bytes;
  HostOrder alone;
  alone.system = order.system;
  alone.host = order.host;
  alone.session = order.session;
  alone.order = order.order;
  std::erase_if(order.vms, [&](const VmSpec& vm) {
    alone.vms = {vm};
    const auto why = unreadable(alone);
    if (!why) return false;
    if (told_unsayable_.insert(vm.id).second) {
      log::error("a VM is left out of its host's order", {{"vm", vm.id.str()}, {"reason", why->message}});
      unsayable_.push_back({order.host, vm.id, why->message});
    }
    return true;
  });
  if (const auto why = unreadable(order)) return *why;
  return wire::encode(order);
}

std::vector<UnsayableEvent> Pump::take_unsayable() { return std::exchange(unsayable_, {}); }

}  // namespace dure::control
