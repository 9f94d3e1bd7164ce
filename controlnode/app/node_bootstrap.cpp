#include "controlnode/app/node_bootstrap.h"

#include <algorithm>
#include <set>
#include <utility>

#include "common/log.h"
#include "controlnode/core/bootstrap_plan.h"
#include "protocol/wire/codec.h"

namespace dure::control {
namespace {

// Clocks of lab PCs run apart; a certificate must hold at once on all of them.
constexpr Duration kClockSkew = std::chrono::minutes(10);
// Where `dure cluster proxy` listens unless told otherwise.
constexpr std::string_view kProxyServer = "https://127.0.0.1:16443";

// For what is said of each document beside its bytes.
constexpr std::size_t kSlack = 16 * 1024;

// What the order leaves. Who finds nothing left waits for the next order of the host, which comes as soon as a sibling has
// joined and needs its long document no more.
std::size_t room_for_documents(const HostOrder& order) {
  const std::size_t used = wire::encode(order).size() + kSlack;
  return kMaxOrderBytes - std::min(kMaxOrderBytes, used);
}

Duration join_credential(const Model& model) {
  return Duration{model.settings.join_credential_s * 1'000'000};
}

}  // namespace

Result<void> NodeBootstrap::add_identities(Model& model, std::vector<Change>& changes, TimePoint now) {
  std::set<ClusterId> fresh;
  for (const Change& change : changes) {
    const auto* cluster = std::get_if<Cluster>(&change);
    if (cluster == nullptr || cluster->kubernetes.version.empty()) continue;
    if (!model.identities.contains(cluster->id)) fresh.insert(cluster->id);
  }
  for (const ClusterId& id : fresh) {
    const auto cluster = model.clusters.find(id);
    if (cluster == model.clusters.end()) continue;  // made and dropped at once
    auto sealed = identities_.make(id, cluster->second.name, now);
    if (!sealed) return sealed.error();
    changes.emplace_back(PutIdentity{id, std::move(*sealed)});
    control::apply(model, changes.back());
  }
  return {};
}

Result<const ClusterKeys*> NodeBootstrap::keys_of(const Model& model, const ClusterId& cluster) {
  const auto sealed = model.identities.find(cluster);
  if (sealed == model.identities.end()) {
    return Error{Errc::not_found, "the cluster has no identity"};
  }
  if (const auto found = opened_.find(cluster); found != opened_.end()) return &found->second;
  std::erase_if(opened_, [&](const auto& entry) { return !model.identities.contains(entry.first); });
  auto keys = identities_.open(cluster, sealed->second);
  if (!keys) return keys.error();
  return &opened_.emplace(cluster, std::move(*keys)).first->second;
}

Result<std::string> NodeBootstrap::document(const Model& model, const Node& node, TimePoint now) {
  const auto keys = keys_of(model, node.cluster);
  if (!keys) return keys.error();
  const auto plan = bootstrap_plan(model, node);
  BootstrapKeys given;
  given.ca_certificate = (*keys)->ca.certificate;
  auto hash = identities_.ca_hash(given.ca_certificate);
  if (!hash) return hash.error();
  given.ca_hash = std::move(*hash);
  if (!plan.joined && plan.role != BootstrapRole::worker) given.cluster = **keys;
  if (!plan.joined && plan.role != BootstrapRole::init) {
    auto own = identities_.issue_client((*keys)->ca, {"system:node:" + node.name, {"system:nodes"}},
                                        now - kClockSkew, now + join_credential(model));
    if (!own) return own.error();
    given.node = std::move(*own);
  }
  return documents_.node_document(plan, given);
}

std::optional<Duration> NodeBootstrap::fill(const Model& model, HostOrder& order, TimePoint now) {
  std::optional<Duration> again;
  std::optional<std::size_t> room;
  for (VmSpec& vm : order.vms) {
    const auto node = model.nodes.find(vm.id);
    if (node == model.nodes.end()) continue;
    const auto cluster = model.clusters.find(node->second.cluster);
    if (cluster == model.clusters.end() || cluster->second.kubernetes.version.empty()) continue;
    auto made = document(model, node->second, now);
    if (!made) {
      log::error("no document for a node",
                 {{"node", node->second.name}, {"reason", made.error().message}});
      continue;
    }
    if (!room) room = room_for_documents(order);
    if (made->size() > *room) {
      log::warn("a node's document has to wait", {{"node", node->second.name}, {"reason", "its host's order is full"}});
      continue;
    }
    *room -= made->size();
    vm.bootstrap = std::move(*made);
    if (!node->second.joined) again = join_credential(model) / 2;
  }
  return again;
}

Result<std::string> NodeBootstrap::kubeconfig(const Model& model, const ClusterAccess& access) {
  const auto cluster = model.clusters.find(access.cluster);
  if (cluster == model.clusters.end()) return Error{Errc::not_found, "the cluster is gone"};
  const auto keys = keys_of(model, access.cluster);
  if (!keys) return keys.error();
  auto client = identities_.issue_client((*keys)->ca, {access.user, {}}, access.issued_at - kClockSkew,
                                         access.expires_at);
  if (!client) return client.error();
  return documents_.kubeconfig({cluster->second.name, std::string(kProxyServer),
                                api_name(cluster->second.name), (*keys)->ca.certificate, access.user,
                                std::move(*client)});
}

}  // namespace dure::control
