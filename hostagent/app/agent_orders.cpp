#include <algorithm>
#include <span>
#include <string_view>
#include <utility>

#include "common/log.h"
#include "common/sha256.h"
#include "hostagent/app/agent_loop.h"
#include "hostagent/app/executor.h"
#include "hostagent/app/tunnel_targets.h"
#include "hostagent/core/order_parts.h"
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

void AgentLoop::on(EnvelopeReceived&& event) {
  const auto payload = wire::open(wire::EnvelopeKind::order, event.bytes, parts_.control_key);
  if (!payload) {
    // Whoever cannot sign gets no answer.
    log::warn("envelope refused", {{"reason", payload.error().message}});
    return;
  }
  auto order = wire::decode_host_order(*payload);
  if (!order) return refuse(nullptr, order.error());
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
  if (verdict) {
    accept(std::move(*order));
  } else {
    refuse(&*order, verdict.error());
  }
}

void AgentLoop::accept(HostOrder&& order) {
  const bool changed = !order_ || order_->generation != order.generation;
  if (changed) attempts_.forgive(new_wishes(order_ ? &*order_ : nullptr, order));
  order_ = std::move(order);
  refused_.reset();
  if (parts_.tunnels != nullptr) parts_.tunnels->allow(tunnel_targets(*order_));
  parts_.guests.date(order_->issued_at);
  follow_sites();
  if (changed) {
    log::info("order accepted", {{"order", order_->order.str()},
                                 {"generation", std::to_string(order_->generation)}});
  }
  look_wanted_ = true;
}

// Told with the reports, so that the reason stands where somebody looks for it. What was meant for another process of this
// agent, or has come before, is no order that is waited for.
void AgentLoop::refuse(const HostOrder* order, const Error& why) {
  log::warn("order refused", {{"order", order == nullptr ? std::string("unreadable") : order->order.str()},
                              {"reason", why.message}});
  if (order != nullptr && (order->session != identity_.session || order->fence < accepted_.fence)) return;
  if (order != nullptr && order->fence == accepted_.fence && order->sequence <= accepted_.sequence) return;
  refused_ = RefusedOrder{order == nullptr ? OrderId{} : order->order, order == nullptr ? 0 : order->generation,
                          why.message.substr(0, 512)};
}

void AgentLoop::acknowledge(const HostOrder& order, const Result<void>& verdict) {
  OrderAck ack{identity_.host, identity_.session, order.order, order.sequence, order.generation,
               verdict.ok(), {}};
  if (!verdict) ack.refusal = to_string(verdict.error().code);
  acknowledgements_.push_back(wire::encode(wire::AgentMessage{std::move(ack)}));
}

void AgentLoop::send_acknowledgements() {
  const auto count = acknowledgements_.size();
  if (count == 0) return;
  // Lost on a broken connection: the next report shows the accepted generation.
  const auto sent = parts_.control.send_all(std::exchange(acknowledgements_, {}));
  if (sent < count) log::debug("acknowledgements not sent", {{"number", std::to_string(count - sent)}});
}

}  // namespace dure::host
