#include "controlnode/core/decide_power.h"

#include "common/text.h"
#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/operations.h"

namespace dure::control {
namespace {

Result<Node> find_node(const Deciding& deciding, const Cluster& cluster, const std::string& name) {
  for (const Node* node : deciding.index().members_of(cluster.id)) {
    if (node->name != name) continue;
    if (node->state != NodeState::draining) return *node;
    return Error{Errc::conflict, "'" + name + "' is leaving"};
  }
  return Error{Errc::not_found, "cluster '" + cluster.name + "' has no node '" + printable(name, 64) + "'"};
}

void reboot(Deciding& deciding, Node node) {
  ++node.restart;
  node.stages.clear();
  node.not_ready = false;
  node.deadline.reset();  // its user waits anew
  advance(deciding, node, NodeEvent::rebooted);
  store_node(deciding, node);
  deciding.touch(node.host);
}

std::optional<Refused> not_now(const Cluster& cluster, PowerAction action) {
  if (cluster.state == ClusterState::deleting) {
    return Refused{Error{Errc::conflict, "cluster '" + cluster.name + "' is being deleted"}, {}};
  }
  if (!cluster.delete_at || action == PowerAction::stop) return std::nullopt;
  return Refused{Error{Errc::conflict, "the lease of cluster '" + cluster.name +
                                           "' has ended: 'dure cluster extend' switches its nodes on again"},
                 {}};
}

}  // namespace

void switch_off(Deciding& deciding, Node node, Power why) {
  node.power = why;
  node.stages.clear();
  node.not_ready = false;
  if (node.state != NodeState::stopped) advance(deciding, node, NodeEvent::stop);
  store_node(deciding, node);
  deciding.touch(node.host);
}

void switch_on(Deciding& deciding, Node node) {
  node.power = Power::on;
  // Whose guest has switched it off is started by a higher number alone: its host cannot know that it is to run again.
  ++node.restart;
  const auto ready_at = node.ready_at;
  advance(deciding, node, NodeEvent::retry);
  node.ready_at = ready_at;  // nobody's operation waits for it
  store_node(deciding, node);
  deciding.touch(node.host);
}

Reply power_node(Deciding& deciding, const PowerNode& request) {
  const auto cluster = find_cluster(deciding, request.cluster);
  if (!cluster) return Refused{cluster.error(), {}};
  if (auto refused = not_now(*cluster, request.action)) return *refused;
  const auto node = find_node(deciding, *cluster, request.node);
  if (!node) return Refused{node.error(), {}};
  switch (request.action) {
    case PowerAction::stop:
      // Asked again of one that was not switched off in time.
      if (node->power == Power::on || node->state == NodeState::failed) switch_off(deciding, *node, Power::off);
      break;
    case PowerAction::start:
      // Whoever has been started already is not started once more.
      if (node->power != Power::on || (node->vm_state == VmState::shut_down && node->state != NodeState::creating)) {
        switch_on(deciding, *node);
      } else if (node->state == NodeState::failed) {
        return refuse(Errc::conflict, "'" + node->name + "' is to run and has failed: 'dure cluster repair " + cluster->name +
                                          "' tries again");
      }
      break;
    case PowerAction::reboot:
      if (node->power != Power::on) {
        return refuse(Errc::conflict, "'" + node->name + "' is switched off: 'dure node start' starts it");
      }
      reboot(deciding, *node);
      break;
  }
  return accepted(node->id.uuid, node->name);
}

}  // namespace dure::control
