#include "hostagent/app/agent_loop.h"

#include <algorithm>
#include <utility>

#include "common/log.h"
#include "common/planted.h"
#include "hostagent/app/executor.h"
#include "hostagent/core/agent_report.h"
#include "hostagent/core/conclusions.h"
#include "hostagent/core/order_parts.h"
#include "protocol/wire/codec.h"

namespace dure::host {

AgentLoop::AgentLoop(AgentParts parts, AgentIdentity identity, AgentTiming timing)
    : parts_(parts), identity_(std::move(identity)), timing_(timing), attempts_(timing.retries) {}

Result<void> AgentLoop::start() {
  auto accepted = parts_.journal.accepted();
  if (!accepted) return accepted.error();
  const auto obligations = parts_.journal.obligations();
  if (!obligations) return obligations.error();
  accepted_ = *accepted;
  accepted_.sequence = 0;  // sequences are bound to the session, and this is a new one
  for (const auto& obligation : *obligations) earlier_.insert({obligation.kind, obligation.object});
  started_at_ = parts_.steady.now();
  look();
  send_report();
  return {};
}

SteadyPoint AgentLoop::step(std::vector<AgentEvent> events) {
  for (auto& event : events) {
    std::visit([this](auto&& e) { on(std::move(e)); }, std::move(event));
    if (acknowledgements_.size() >= kAcknowledgementsTogether) send_acknowledgements();
  }
  send_acknowledgements();
  do_what_is_due();
  return next_wake();
}

void AgentLoop::do_what_is_due() {
  const auto now = parts_.steady.now();
  if (looking_ && !blind_ && now - look_began_ >= timing_.look_at_most) blind();
  if (look_due(now)) look();
  if (now - last_sent_ < timing_.reports_apart) return;
  if (now - last_sent_ >= timing_.heartbeat || !last_report_ || !same_news(make_report(), *last_report_)) send_report();
}

// A retry is due only while nobody looks: the look that is under way will see to it.
bool AgentLoop::look_due(SteadyPoint now) const {
  if ((blind_ ? glancing_ : looking_) || now - look_began_ < timing_.looks_apart) return false;
  return look_wanted_ || now - look_began_ >= timing_.observe_every || attempts_.retry_due(now);
}

SteadyPoint AgentLoop::next_wake() const {
  const auto now = parts_.steady.now();
  auto wake = last_sent_ + timing_.heartbeat;
  const auto at = [&](SteadyPoint when) { wake = std::min(wake, when); };
  if (blind_ ? glancing_ : looking_) {
    if (!blind_) at(look_began_ + timing_.look_at_most);
  } else {
    at(look_began_ + timing_.observe_every);
    if (look_wanted_ || attempts_.retry_due(now)) at(look_began_ + timing_.looks_apart);
  }
  if (const auto change = attempts_.next_change(now)) at(*change);
  if (const auto silence = next_silence(guests_, now)) at(*silence);
  if (last_report_ && now - last_sent_ < timing_.reports_apart && !same_news(make_report(), *last_report_)) {
    at(last_sent_ + timing_.reports_apart);
  }
  if (planted(Bug::past_wake) && looking_ && attempts_.retry_due(now)) return now;
  return std::max(wake, now + std::chrono::milliseconds(1));
}

void AgentLoop::look() {
  look_wanted_ = false;
  look_began_ = parts_.steady.now();
  attempts_.look();
  const auto number = ++looks_;
  if (blind_) {
    glancing_ = true;
    parts_.lanes.glances.run([this, number] { parts_.inbox.post(ObservationDone{glance(parts_), number, true}); });
  } else {
    looking_ = true;
    parts_.lanes.looks.run([this, number] { parts_.inbox.post(ObservationDone{observe(parts_), number}); });
  }
}

void AgentLoop::blind() {
  blind_ = look_wanted_ = true;
  if (!seen_) seen_.emplace();
  seen_->hypervisor_answers = false;
  tell_blind();
  log::warn("a look at this host takes too long", {{"more_than", in_seconds(timing_.look_at_most)}});
}

void AgentLoop::tell_blind() {
  note(*seen_, ConditionCode::hypervisor_away,
       "has not answered a look at its VMs for more than " + in_seconds(timing_.look_at_most));
}

void AgentLoop::on(ObservationDone&& event) {
  if (event.glance) {
    glancing_ = false;
  } else {
    if (blind_) log::info("the look at this host has ended after all", {});
    looking_ = blind_ = false;
  }
  // What has begun before the newest one is older than what is known; and a glance is worth something only to the blind.
  if (event.look != looks_ || event.glance != blind_) {
    look_wanted_ = true;
    return;
  }
  if (event.glance) event.observed.hardware_virtualisation = seen_->hardware_virtualisation;
  seen_ = std::move(event.observed);
  if (blind_) tell_blind();
  attempts_.looked();
  prove_earlier(earlier_, *seen_, look_began_ - started_at_ >= timing_.earlier_life);
  follow_guests();
  discharge_what_is_gone();
  follow_blobs();
  // What has ended meanwhile was not seen by this look, and is left to the next one, which is wanted already.
  act();
}

void AgentLoop::act() {
  if (!order_ || !seen_) return;
  const auto now = parts_.steady.now();
  const auto plan = host_plan(*order_, *seen_, memory(now));
  attempts_.plan(plan.ops, now);
  std::erase_if(asked_to_stop_, [&](const auto& asked) {
    return std::none_of(plan.ops.begin(), plan.ops.end(), [&](const HostOp& op) {
      const auto* stop = std::get_if<StopVm>(&op);
      return stop != nullptr && stop->id == asked.first;
    });
  });
  for (const auto& op : plan.ops) {
    if (!attempts_.may_begin(op, now)) continue;
    if (const auto begun = begin(op); !begun) {
      log::error("journal refused", {{"op", describe(op)}, {"reason", begun.error().message}});
      const auto key = key_of(op);
      const auto code = begun.error().code == Errc::no_space ? FailureCode::no_space : FailureCode::internal;
      attempts_.end(op, ObjectFailure{key.kind, key.object, code, begun.error().message}, now);
      continue;
    }
    attempts_.begin(op, now);
    log::debug("starting", {{"op", describe(op)}});
    run(op);
  }
  settle_applied(plan);
}

PlanMemory AgentLoop::memory(SteadyPoint now) {
  PlanMemory memory;
  memory.firewall_rules = parts_.firewall.rules();
  memory.in_flight = unproven(earlier_, attempts_);
  for (const auto& [vm, since] : asked_to_stop_) {
    if (now - since >= timing_.stop_patience) memory.asked_to_stop.insert(vm);
  }
  for (const auto& [digest, since] : unneeded_blobs_) {
    if (now - since >= timing_.keep_images) memory.unneeded_blobs.insert(digest);
  }
  return memory;
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
  if (const auto* stop = std::get_if<StopVm>(&op)) asked_to_stop_.try_emplace(stop->id, parts_.steady.now());
  return {};
}

void AgentLoop::run(const HostOp& op) {
  const auto lane = [&]() -> TaskRunner& {
    switch (key_of(op).kind) {
      case ObjectKind::image: return parts_.lanes.fetches;
      case ObjectKind::network:
      case ObjectKind::host: return parts_.lanes.networks;
      case ObjectKind::vm: break;
    }
    return parts_.lanes.vms;
  };
  lane().run([this, op] { parts_.inbox.post(execute(parts_, op, identity_.channels_dir)); });
}

void AgentLoop::settle_applied(const HostPlan& plan) {
  if (applied_generation_ == order_->generation || !is_applied(plan, *seen_, attempts_)) return;
  applied_generation_ = order_->generation;
  applied_order_ = order_->order;
  log::info("order applied", {{"order", order_->order.str()},
                              {"generation", std::to_string(order_->generation)}});
}

void AgentLoop::on(OpDone&& done) {
  look_wanted_ = true;
  const auto now = parts_.steady.now();
  const auto key = key_of(done.op);
  earlier_.erase(key);
  if (const auto* fetch = std::get_if<FetchBlob>(&done.op); fetch != nullptr && done.outcome) {
    progress_.erase(fetch->blob.digest);
  }
  if (done.outcome) {
    attempts_.end(done.op, std::nullopt, now);
    return;
  }
  const auto& error = done.outcome.error();
  log::warn("failed", {{"op", describe(done.op)},
                       {"code", std::string(to_string(error.code))},
                       {"reason", error.message}});
  attempts_.end(done.op, ObjectFailure{key.kind, key.object, done.failure, error.message.substr(0, 512)}, now);
}

void AgentLoop::discharge_what_is_gone() {
  if (!order_ || !seen_->hypervisor_answers) return;
  const auto obligations = parts_.journal.obligations();
  if (!obligations) {
    log::error("journal refused", {{"reason", obligations.error().message}});
    return;
  }
  const auto at_work = unproven(earlier_, attempts_);
  for (const auto& obligation : *obligations) {
    if (!is_gone({obligation.kind, obligation.object}, *order_, *seen_, at_work)) continue;
    if (auto gone = parts_.journal.discharge(obligation.kind, obligation.object); !gone) {
      log::error("journal refused", {{"reason", gone.error().message}});
    }
  }
}

// An image that no order of this session names ages; one that is named again does not.
void AgentLoop::follow_blobs() {
  if (!order_) return;
  const auto needed = blobs_of(*order_);
  std::map<Digest, SteadyPoint> unneeded;
  for (const auto& blob : seen_->blobs) {
    if (needed.contains(blob.digest)) continue;
    const auto known = unneeded_blobs_.find(blob.digest);
    unneeded.emplace(blob.digest, known == unneeded_blobs_.end() ? parts_.steady.now() : known->second);
  }
  unneeded_blobs_ = std::move(unneeded);
}

void AgentLoop::on(BlobProgress&& event) {
  progress_[event.digest] = event.bytes_done;
  attempts_.progress(key_of(FetchBlob{{event.digest, 0}}), parts_.steady.now());
}

void AgentLoop::on(HypervisorChanged&&) { look_wanted_ = true; }

HostReport AgentLoop::make_report() const {
  const auto now = parts_.steady.now();
  HostReport report;
  report.system = identity_.system;
  report.host = identity_.host;
  report.session = identity_.session;
  report.boot = identity_.boot;
  report.agent_version = identity_.version;
  report.capacity = identity_.capacity;
  report.highest_fence = accepted_.fence;
  report.fence_proof = accepted_.fence_proof;
  report.accepted_generation = order_ ? order_->generation : 0;
  report.known_generation = accepted_.generation;
  report.applied_generation = applied_generation_;
  report.applied_order = applied_order_;
  report.refused = refused_;
  if (seen_) add_observed(report, *seen_, order_ ? &*order_ : nullptr, guests_, progress_, now);
  const auto failures = by_image(attempts_.failures(now), order_ ? &*order_ : nullptr);
  report.failures.insert(report.failures.end(), failures.begin(), failures.end());
  report.in_flight = told_in_flight(unproven(earlier_, attempts_), order_ ? &*order_ : nullptr, seen_ ? &*seen_ : nullptr);
  for (const auto& [site, trip] : round_trips_) report.round_trips.push_back(trip);
  return report;
}

void AgentLoop::send_report() {
  send_acknowledgements();  // what was said first arrives first
  auto report = make_report();
  report.sequence = ++sequence_;
  report.clock = parts_.clock.now();
  last_sent_ = parts_.steady.now();
  const auto sent = parts_.control.send(wire::encode(wire::AgentMessage{report}));
  if (!sent) {
    // Not kept: the next one carries the newer state.
    log::debug("report not sent", {{"reason", sent.error().message}});
    last_report_.reset();
    return;
  }
  last_report_ = std::move(report);
}

}  // namespace dure::host
