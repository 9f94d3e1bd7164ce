#include "controlnode/edges/kubeadm/json_bootstrap_documents.h"

#include <boost/json.hpp>
#include <utility>

#include "controlnode/edges/kubeadm/check_plan.h"
#include "controlnode/edges/kubeadm/guest_files.h"
#include "controlnode/edges/kubeadm/json_values.h"
#include "controlnode/edges/kubeadm/kubeconfig.h"
#include "protocol/messages/host_order.h"

namespace dure::control {
namespace {

namespace json = boost::json;

constexpr int kVersion = 1;

std::string_view word(Cni cni) {
  switch (cni) {
    case Cni::native: return "native";
    case Cni::none: return "none";
  }
  return {};
}

// The API's name stands once for each control-plane member: clients try one after the other.
json::array hosts(const BootstrapPlan& plan) {
  json::array entries;
  for (const HostsEntry& entry : plan.hosts)
    entries.push_back(text_array(entry.address.str(), entry.name));
  for (const Ipv4 address : plan.control_planes)
    entries.push_back(text_array(address.str(), plan.api_name));
  return entries;
}

json::object pods(const BootstrapPlan& plan) {
  json::array routes;
  for (const PodRoute& route : plan.routes)
    routes.push_back(text_array(route.pods.str(), route.via.str()));
  json::object object;
  object["network"] = text(plan.pod_network.str());
  object["own"] = text(plan.own_pods.str());
  object["routes"] = std::move(routes);
  return object;
}

json::array files(const BootstrapPlan& plan, const BootstrapKeys& keys) {
  json::array entries;
  for (const GuestFile& file : guest_files(plan, keys)) {
    json::object entry;
    entry["path"] = text(file.path);
    entry["mode"] = file.secret ? "0600" : "0644";
    entry["content"] = text(file.content);
    entries.push_back(std::move(entry));
  }
  return entries;
}

json::object document(const BootstrapPlan& plan, const BootstrapKeys& keys) {
  const auto itself = [](const std::string& name) -> const std::string& { return name; };
  json::object root;
  root["v"] = kVersion;
  root["cluster"] = text(plan.cluster_name);
  root["node"] = text(plan.node_name);
  root["role"] = text(to_string(plan.role));
  root["kubernetes"] = text(plan.version);
  root["address"] = text(plan.address.str());
  root["api"] = text(plan.api_name);
  root["hosts"] = hosts(plan);
  root["pods"] = pods(plan);
  root["services"] = text(plan.services.str());
  root["mtu"] = plan.mtu;
  root["cni"] = text(word(plan.cni));
  root["joined"] = plan.joined;
  root["files"] = files(plan, keys);
  if (plan.role != BootstrapRole::worker) {
    root["departing"] = texts(plan.departing, itself);
    root["admins"] = texts(plan.admins, itself);
  }
  root["patience"] = plan.patience;
  return root;
}

}  // namespace

Result<std::string> JsonBootstrapDocuments::node_document(const BootstrapPlan& plan,
                                                          const BootstrapKeys& keys) {
  if (auto checked = check_plan(plan); !checked) return checked.error();
  if (auto checked = check_keys(plan, keys); !checked) return checked.error();
  std::string line = json::serialize(document(plan, keys));
  if (line.size() > kMaxBootstrapBytes) {
    return Error{Errc::invalid_argument,
                 "bootstrap: the document of " + plan.node_name + " is too long"};
  }
  return line;
}

Result<std::string> JsonBootstrapDocuments::kubeconfig(const AccessDocument& access) {
  if (auto checked = check_access(access); !checked) return checked.error();
  return kubeconfig_text(access) + "\n";
}

}  // namespace dure::control
