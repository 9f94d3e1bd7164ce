#include "controlnode/app/api_server_nodes.h"

#include <algorithm>
#include <chrono>
#include <optional>
#include <utility>

#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/silence.h"

namespace dure::control {
namespace {

// 0 is best; nullopt: nobody can answer there.
std::optional<int> rank(const Node& node) {
  if (node.state == NodeState::ready) return 0;
  return node.joined && node.vm_state == VmState::running ? std::optional(1) : std::nullopt;
}

}  // namespace

Result<std::vector<ApiServerNode>> api_server_nodes(const Model& model, const std::string& cluster,
                                                    SteadyPoint now) {
  const auto found = find_cluster(model, cluster);
  if (!found) return found.error();
  if (found->kubernetes.version.empty()) {
    return Error{Errc::conflict, "cluster '" + found->name + "' runs no Kubernetes: its nodes are plain VMs"};
  }
  std::vector<std::pair<int, ApiServerNode>> ranked;
  bool unheard = false;
  for (const auto& [id, node] : model.nodes) {
    if (node.cluster != found->id || node.role != Role::control_plane) continue;
    if (!heard(model, node.host) || silent(model, node.host, now)) {
      unheard = true;
    } else if (const auto place = rank(node)) {
      ranked.emplace_back(*place, ApiServerNode{id, node.host, node.name});
    }
  }
  if (ranked.empty()) {
    return Error{Errc::unavailable, "cluster '" + found->name + "' has no control-plane node that is ready" +
                                        (unheard ? "; a host of its control plane is silent" : "")};
  }
  std::stable_sort(ranked.begin(), ranked.end(),
                   [](const auto& a, const auto& b) { return a.first < b.first; });
  std::vector<ApiServerNode> nodes;
  for (auto& [place, node] : ranked) nodes.push_back(std::move(node));
  return nodes;
}

}  // namespace dure::control
