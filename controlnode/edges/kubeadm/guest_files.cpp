#include "controlnode/edges/kubeadm/guest_files.h"

#include <boost/json.hpp>
#include <utility>

#include "controlnode/edges/kubeadm/json_values.h"
#include "controlnode/edges/kubeadm/kubeadm_config.h"
#include "controlnode/edges/kubeadm/kubeconfig.h"

namespace dure::control {
namespace {

namespace json = boost::json;

template <class... Values>
json::array array_of(Values&&... values) {
  json::array array;
  (array.push_back(json::value(std::forward<Values>(values))), ...);
  return array;
}

// No masquerade here: pods reach each other, and their own cluster, with their own addresses.
std::string cni_config(const BootstrapPlan& plan) {
  json::object range, route, addresses, bridge, ports, capabilities, root;
  range["subnet"] = text(plan.own_pods.str());
  route["dst"] = "0.0.0.0/0";
  addresses["type"] = "host-local";
  addresses["ranges"] = array_of(array_of(std::move(range)));
  addresses["routes"] = array_of(std::move(route));
  bridge["type"] = "bridge";
  bridge["bridge"] = "cni0";
  bridge["isGateway"] = true;
  bridge["hairpinMode"] = true;
  bridge["mtu"] = plan.mtu;
  bridge["ipam"] = std::move(addresses);
  capabilities["portMappings"] = true;
  ports["type"] = "portmap";
  ports["capabilities"] = std::move(capabilities);
  root["cniVersion"] = "1.0.0";
  root["name"] = "dure";
  root["plugins"] = array_of(std::move(bridge), std::move(ports));
  return json::serialize(root) + "\n";
}

void add_cluster_keys(const ClusterKeys& keys, std::vector<GuestFile>& files) {
  const std::string root = "/etc/kubernetes/pki/";
  const std::pair<const char*, const CertificateAndKey*> authorities[] = {
      {"ca", &keys.ca}, {"front-proxy-ca", &keys.front_proxy_ca}, {"etcd/ca", &keys.etcd_ca}};
  for (const auto& [name, authority] : authorities) {
    files.push_back({root + name + ".crt", authority->certificate, false});
    files.push_back({root + name + ".key", authority->private_key, true});
  }
  files.push_back({root + "sa.pub", keys.service_account_public_key, false});
  files.push_back({root + "sa.key", keys.service_account_private_key, true});
}

// kubeadm reads the target of a patch from its name; strategic merge is what it does by default.
void add_patches(const BootstrapPlan& plan, std::vector<GuestFile>& files) {
  for (const std::string_view component : kStaticPods) {
    const std::string path = std::string(kPatchDirectory) + "/" + std::string(component) + ".json";
    files.push_back({path, static_pod_patch(plan, component), false});
  }
}

// The credential of this node, under the name that the API server knows nodes by. The CA is
// embedded: that is the pin, for file discovery takes no hash of it.
std::string discovery(const BootstrapPlan& plan, const BootstrapKeys& keys) {
  return kubeconfig_text({plan.cluster_name, api_server(plan), "", keys.ca_certificate,
                          "system:node:" + plan.node_name, *keys.node}) +
         "\n";
}

}  // namespace

std::vector<GuestFile> guest_files(const BootstrapPlan& plan, const BootstrapKeys& keys) {
  std::vector<GuestFile> files;
  if (plan.cni == Cni::native)
    files.push_back({"/etc/cni/net.d/10-dure.conflist", cni_config(plan), false});
  if (plan.joined) return files;
  files.push_back({"/etc/dure/kubeadm.json", kubeadm_config(plan), true});
  if (is_slow(plan)) files.push_back({"/etc/dure/kubelet.env", std::string(kGoProcessors) + "=1\n", false});
  if (plan.role != BootstrapRole::worker) {
    add_cluster_keys(*keys.cluster, files);
    if (is_slow(plan)) add_patches(plan, files);
  }
  if (plan.role != BootstrapRole::init)
    files.push_back({kDiscoveryPath, discovery(plan, keys), true});
  return files;
}

}  // namespace dure::control
