#include "hostagent/app/agent_loop.h"

#include <algorithm>
#include <set>
#include <span>
#include <string_view>
#include <utility>

#include "common/log.h"
#include "common/sha256.h"
#include "hostagent/app/executor.h"
#include "hostagent/app/tunnel_targets.h"
#include "protocol/wire/codec.h"
#include "protocol/wire/envelope.h"

namespace dure::host {
namespace {

Digest sha256(std::string_view bytes) {
  Sha256 sum;
  sum.update(std::as_bytes(std::span(bytes)));
  return sum.finish();
}

}  // namespace

AgentLoop::AgentLoop(AgentParts parts, AgentIdentity identity, AgentTiming timing)
    : parts_(parts), identity_(std::move(identity)), timing_(timing) {}

Result<void> AgentLoop::start() {
  auto accepted = parts_.journal.accepted();
  if (!accepted) return accepted.error();
  accepted_ = *accepted;
  accepted_.sequence = 0;  // sequences are bound to the session, and this is a new one
  look();
  send_report();
  return {};
}

void AgentLoop::handle(AgentEvent event) {
  std::visit([this](auto&& e) { on(std::move(e)); }, std::move(event));
  send_acknowledgements();
}

void AgentLoop::handle_all(std::vector<AgentEvent> events) {
  for (auto& event : events) {
    std::visit([this](auto&& e) { on(std::move(e)); }, std::move(event));
    if (acknowledgements_.size() >= kAcknowledgementsTogether) send_acknowledgements();
  }
  send_acknowledgements();
}

TimePoint AgentLoop::next_wake() const {
  auto wake = std::min(last_sent_ + timing_.heartbeat, last_look_ + timing_.observe_every);
  for (const auto& [key, attempt] : attempts_) {
    if (!attempt.running && attempt.failures > 0) wake = std::min(wake, attempt.not_before);
  }
  return wake;
}

void AgentLoop::on(EnvelopeReceived&& event) {
  const auto payload = wire::open(wire::EnvelopeKind::order, event.bytes, parts_.control_key);
  if (!payload) {
    log::warn("envelope refused", {{"reason", payload.error().message}});
    return;
  }
  auto order = wire::decode_host_order(*payload);
  if (!order) {
    log::warn("order refused", {{"reason", order.error().message}});
    return;
  }
  auto verdict =
      wire::admit(*order, identity_.system, identity_.host, identity_.session, accepted_);
  if (verdict && order->fence.delegation != identity_.delegation) {
    verdict = Error{Errc::unauthenticated, "the order is under a delegation that this key has not"};
  }
  if (verdict) {
    const auto next = wire::after(*order, accepted_);
    verdict = parts_.journal.accept(next, sha256(event.bytes));
    if (verdict) accepted_ = next;
  }
  acknowledge(*order, verdict);
  if (!verdict) return;
  const bool changed = !order_ || order_->generation != order->generation;
  order_ = std::move(*order);
  if (parts_.tunnels != nullptr) parts_.tunnels->allow(tunnel_targets(*order_));
  follow_sites();
  if (changed) {
    log::info("order accepted", {{"order", order_->order.str()},
                                 {"generation", std::to_string(order_->generation)}});
    // A new wish deserves a new try at once.
    for (auto& [key, attempt] : attempts_) attempt.not_before = TimePoint{};
  }
  look();
}

void AgentLoop::acknowledge(const HostOrder& order, const Result<void>& verdict) {
  OrderAck ack{identity_.host, identity_.session, order.order, order.sequence, order.generation,
               verdict.ok(), {}};
  if (!verdict) {
    ack.refusal = to_string(verdict.error().code);
    log::warn("order refused",
              {{"order", order.order.str()}, {"reason", verdict.error().message}});
  }
  acknowledgements_.push_back(wire::encode(wire::AgentMessage{std::move(ack)}));
}

void AgentLoop::send_acknowledgements() {
  const auto count = acknowledgements_.size();
  if (count == 0) return;
  // Lost on a broken connection: the next report shows the accepted generation.
  const auto sent = parts_.control.send_all(std::exchange(acknowledgements_, {}));
  if (sent < count) log::debug("acknowledgements not sent", {{"number", std::to_string(count - sent)}});
}

void AgentLoop::look() {
  if (looking_) {
    look_again_ = true;
    return;
  }
  looking_ = true;
  last_look_ = parts_.clock.now();
  parts_.tasks.run([this] { parts_.inbox.post(observe(parts_)); });
}

void AgentLoop::on(ObservationDone&& event) {
  looking_ = false;
  seen_ = std::move(event);
  // What a guest said of one boot is not true of the next.
  std::erase_if(guests_, [&](const auto& guest) {
    return seen_->observed.hypervisor_answers &&
           std::none_of(seen_->observed.vms.begin(), seen_->observed.vms.end(), [&](const auto& vm) {
             return vm.id == guest.first && vm.state == VmState::running;
           });
  });
  follow_guests();
  discharge_what_is_gone();
  // What was asked for while looking was not seen by this look.
  if (look_again_) {
    look_again_ = false;
    look();
  } else {
    act();
  }
  report_if_changed();
}

void AgentLoop::follow_guests() {
  if (!seen_->observed.hypervisor_answers) return;
  std::vector<WatchedGuest> watch;
  for (const auto& vm : seen_->observed.vms) {
    if (vm.state != VmState::running) continue;
    watch.push_back({vm.id, channel_path(identity_.channels_dir, vm.id), bootstrap_of(vm)});
  }
  std::sort(watch.begin(), watch.end(), [](const auto& a, const auto& b) { return a.vm < b.vm; });
  if (watch == watched_) return;
  watched_ = watch;
  parts_.guests.watch(std::move(watch));
}

// A document is for one generation: a VM that is being replaced must not take its successor's place.
std::string AgentLoop::bootstrap_of(const ObservedVm& vm) const {
  if (!order_) return {};
  const auto wanted = std::find_if(order_->vms.begin(), order_->vms.end(), [&](const VmSpec& spec) {
    return spec.id == vm.id && spec.generation == vm.generation;
  });
  return wanted == order_->vms.end() ? std::string() : wanted->bootstrap;
}

void AgentLoop::act() {
  if (!order_ || !seen_) return;
  const auto plan = host_plan(*order_, seen_->observed);
  const auto now = parts_.clock.now();
  std::set<OpKey> planned;
  for (const auto& op : plan.ops) {
    planned.insert(key_of(op));
    auto& attempt = attempts_[key_of(op)];
    if (attempt.running || now < attempt.not_before) continue;
    if (const auto begun = begin(op); !begun) {
      log::error("journal refused", {{"op", describe(op)}, {"reason", begun.error().message}});
      attempt.not_before = now + timing_.retry_most;
      attempt.failure = {ObjectKind::host, Uuid{}, FailureCode::internal, begun.error().message};
      ++attempt.failures;
      continue;
    }
    attempt.running = true;
    log::debug("starting", {{"op", describe(op)}});
    parts_.tasks.run([this, op] {
      parts_.inbox.post(execute(parts_, op, identity_.channels_dir));
    });
  }
  // What is no longer planned needs no retry and has no failure any more.
  std::erase_if(attempts_, [&](const auto& entry) {
    return !entry.second.running && !planned.contains(entry.first);
  });
  if (applied_generation_ != order_->generation && done_but_for_failures(plan)) {
    applied_generation_ = order_->generation;
    applied_order_ = order_->order;
    log::info("order applied", {{"order", order_->order.str()},
                                {"generation", std::to_string(order_->generation)}});
  }
}

// What keeps failing must not hold back the word that everything else was done: the control node
// would wait for it with removals that have long been carried out.
bool AgentLoop::done_but_for_failures(const HostPlan& plan) const {
  if (plan.settled) return true;
  if (plan.ops.empty() || !seen_->observed.hypervisor_answers) return false;
  return std::all_of(attempts_.begin(), attempts_.end(), [](const auto& entry) {
    return !entry.second.running && entry.second.failures > 0;
  });
}

Result<void> AgentLoop::begin(const HostOp& op) {
  if (const auto* start = std::get_if<StartVm>(&op)) {
    return parts_.journal.oblige(
        {ObjectKind::vm, start->vm.id.uuid, start->vm.generation, start->order});
  }
  if (const auto* apply = std::get_if<ApplyNetwork>(&op)) {
    return parts_.journal.oblige(
        {ObjectKind::network, apply->network.id.uuid, apply->network.vni, order_->order});
  }
  return {};
}

void AgentLoop::on(OpDone&& event) {
  settle(event);
  look();
}

// What the journal says may exist, what no order wants and no look can find is gone: also when the
// agent died between the removal and its note of it.
void AgentLoop::discharge_what_is_gone() {
  if (!order_ || !seen_->observed.hypervisor_answers) return;
  const auto obligations = parts_.journal.obligations();
  if (!obligations) {
    log::error("journal refused", {{"reason", obligations.error().message}});
    return;
  }
  const auto& observed = seen_->observed;
  const auto is = [](const auto& id) { return [id](const auto& one) { return one.id.uuid == id; }; };
  for (const auto& obligation : *obligations) {
    const auto attempt = attempts_.find({obligation.kind, obligation.object});
    if (attempt != attempts_.end() && attempt->second.running) continue;
    const auto same = is(obligation.object);
    const bool needed =
        obligation.kind == ObjectKind::vm
            ? std::any_of(order_->vms.begin(), order_->vms.end(), same) ||
                  std::any_of(observed.vms.begin(), observed.vms.end(), same) ||
                  std::any_of(observed.files.begin(), observed.files.end(), same)
            : std::any_of(order_->networks.begin(), order_->networks.end(), same) ||
                  std::any_of(observed.networks.begin(), observed.networks.end(),
                              [&](const auto& one) { return one.spec.id.uuid == obligation.object; });
    if (needed) continue;
    if (auto gone = parts_.journal.discharge(obligation.kind, obligation.object); !gone) {
      log::error("journal refused", {{"reason", gone.error().message}});
    }
  }
}

void AgentLoop::settle(const OpDone& done) {
  const auto key = key_of(done.op);
  auto& attempt = attempts_[key];
  attempt.running = false;
  if (done.outcome) {
    attempts_.erase(key);
    if (const auto* fetch = std::get_if<FetchBlob>(&done.op)) progress_.erase(fetch->blob.digest);
    return;
  }
  const auto& error = done.outcome.error();
  log::warn("failed", {{"op", describe(done.op)},
                       {"code", std::string(to_string(error.code))},
                       {"reason", error.message}});
  attempt.failures = std::min(attempt.failures + 1, 16U);
  const auto back_off =
      std::min(timing_.retry_first * (std::int64_t{1} << (attempt.failures - 1)), timing_.retry_most);
  attempt.not_before = parts_.clock.now() + back_off;
  attempt.failure = {key.kind, key.object, failure_code(done.op, error.code),
                     error.message.substr(0, 512)};
}

void AgentLoop::on(BlobProgress&& event) {
  progress_[event.digest] = event.bytes_done;
  // A download speaks up many times a second; once a second is enough for a person.
  if (parts_.clock.now() - last_sent_ >= std::chrono::seconds(1)) report_if_changed();
}

void AgentLoop::on(HypervisorChanged&&) { look(); }

void AgentLoop::on(GuestSpoke&& event) {
  guests_[event.vm] = std::move(event.status);
  report_if_changed();
}

void AgentLoop::on(Tick&&) {
  const auto now = parts_.clock.now();
  const bool retry_due = std::any_of(attempts_.begin(), attempts_.end(), [&](const auto& entry) {
    return !entry.second.running && entry.second.failures > 0 && entry.second.not_before <= now;
  });
  if (retry_due || last_look_ + timing_.observe_every <= now) look();
  if (last_sent_ + timing_.heartbeat <= now) send_report();
}

}  // namespace dure::host
