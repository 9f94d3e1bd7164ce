#include "controlnode/core/decide.h"

#include <algorithm>

#include "controlnode/core/decide_catalog.h"
#include "controlnode/core/decide_clusters.h"
#include "controlnode/core/decide_hosts.h"
#include "controlnode/core/decide_power.h"
#include "controlnode/core/decide_reports.h"
#include "controlnode/core/decide_tick.h"
#include "controlnode/core/deciding.h"
#include "controlnode/core/fair_order.h"
#include "controlnode/core/settle.h"

namespace dure::control {
namespace {

struct Requests {
  Deciding& deciding;

  Reply operator()(const CreateCluster& request) { return create_cluster(deciding, request); }
  Reply operator()(const ScaleCluster& request) { return scale_cluster(deciding, request); }
  Reply operator()(const ReplaceNode& request) { return replace_node(deciding, request); }
  Reply operator()(const RepairCluster& request) { return repair_cluster(deciding, request); }
  Reply operator()(const ExtendCluster& request) { return extend_cluster(deciding, request); }
  Reply operator()(const DeleteCluster& request) { return delete_cluster(deciding, request); }
  Reply operator()(const CancelOperation& request) { return cancel_operation(deciding, request); }
  Reply operator()(const PowerNode& request) { return power_node(deciding, request); }
  Reply operator()(const GiveAccess& request) { return give_access(deciding, request); }
  Reply operator()(const RevokeAccess& request) { return revoke_access(deciding, request); }
  Reply operator()(const CreateSite& request) { return create_site(deciding, request); }
  Reply operator()(const AddHost& request) { return add_host(deciding, request); }
  Reply operator()(const UpdateHost& request) { return update_host(deciding, request); }
  Reply operator()(const LoseHost& request) { return lose_host(deciding, request); }
  Reply operator()(const ReplaceHost& request) { return replace_host(deciding, request); }
  Reply operator()(const CordonHost& request) { return cordon_host(deciding, request); }
  Reply operator()(const CreateFlavor& request) { return create_flavor(deciding, request); }
  Reply operator()(const CreateImage& request) { return create_image(deciding, request); }
  Reply operator()(const CreateKeyPair& request) { return create_key_pair(deciding, request); }
  Reply operator()(const CreateProject& request) { return create_project(deciding, request); }
  Reply operator()(const UpdateProject& request) { return update_project(deciding, request); }
  Reply operator()(const DeleteObject& request) { return delete_object(deciding, request); }
};

struct Events {
  Deciding& deciding;

  void operator()(const RequestEvent& event) {
    Reply reply = std::visit(Requests{deciding}, event.request);
    deciding.decision.replies.push_back({event.token, std::move(reply)});
  }
  void operator()(const ReportEvent& event) { decide_report(deciding, event); }
  void operator()(const UnsayableEvent& event) { decide_unsayable(deciding, event); }
  void operator()(const TickEvent&) { decide_tick(deciding); }
};

}  // namespace

Decision decide(Model& model, std::span<const Event> events, const Now& now, IdStream& ids) {
  Kept kept;
  return decide(model, events, now, ids, kept);
}

Decision decide(Model& model, std::span<const Event> events, const Now& now, IdStream& ids, Kept& kept) {
  Deciding deciding(model, now, ids, kept);
  FairOrder order(events);
  for (std::size_t i = 0; i < events.size(); ++i) {
    const Event& event = order.at(deciding, i);
    const auto* report = std::get_if<ReportEvent>(&event);
    deciding.speaker = report == nullptr ? std::nullopt : std::optional(report->host);
    std::visit(Events{deciding}, event);
    settle_all(deciding);
  }
  deciding.finish_orders();
  const bool ticked = std::any_of(events.begin(), events.end(),
                                  [](const Event& event) { return std::holds_alternative<TickEvent>(event); });
  deciding.decision.wake_at = deciding.next_wake(ticked);
  return std::move(deciding.decision);
}

}  // namespace dure::control
