#include "controlnode/edges/kubeadm/kubeadm_config.h"

#include <algorithm>
#include <boost/json.hpp>
#include <cmath>
#include <cstdint>
#include <utility>

#include "controlnode/edges/kubeadm/json_values.h"

namespace dure::control {
namespace {

namespace json = boost::json;

constexpr std::uint16_t kApiPort = 6443;
constexpr const char* kDnsDomain = "cluster.local";
constexpr const char* kKubeadm = "kubeadm.k8s.io/v1beta4";

std::int64_t scaled(std::int64_t base, double factor) {
  return std::llround(static_cast<double>(base) * factor);
}
std::string in_seconds(std::int64_t seconds) { return std::to_string(seconds) + "s"; }

std::string api_endpoint(const BootstrapPlan& plan) {
  return plan.api_name + ":" + std::to_string(kApiPort);
}

json::object document(const char* version, const char* kind) {
  json::object object;
  object["apiVersion"] = version;
  object["kind"] = kind;
  return object;
}

void add_argument(json::array& arguments, std::string_view name, std::string_view value) {
  json::object argument;
  argument["name"] = text(name);
  argument["value"] = text(value);
  arguments.push_back(std::move(argument));
}

json::object with_arguments(json::array&& arguments) {
  json::object component;
  component["extraArgs"] = std::move(arguments);
  return component;
}

std::string label_list(const BootstrapPlan& plan) {
  std::string list;
  for (const auto& [key, value] : plan.labels) {
    if (!list.empty()) list += ',';
    list += key;
    list += '=';
    list += value;
  }
  return list;
}

// Control-plane members keep kubeadm's own taint, which is the stronger one; it would be lost if
// any other were named here.
json::array worker_taints(const BootstrapPlan& plan) {
  json::array taints;
  if (!plan.scavenged) return taints;
  json::object taint;
  taint["key"] = "dure.io/scavenged";
  taint["value"] = "true";
  taint["effect"] = "PreferNoSchedule";
  taints.push_back(std::move(taint));
  return taints;
}

json::object registration(const BootstrapPlan& plan) {
  json::array arguments;
  add_argument(arguments, "node-ip", plan.address.str());
  if (!plan.labels.empty()) add_argument(arguments, "node-labels", label_list(plan));
  json::object node;
  node["name"] = text(plan.node_name);
  node["criSocket"] = "unix:///run/containerd/containerd.sock";
  // The image of the guests holds all that is needed: a pull could only fail.
  node["imagePullPolicy"] = "Never";
  node["kubeletExtraArgs"] = std::move(arguments);
  if (plan.role == BootstrapRole::worker) node["taints"] = worker_taints(plan);
  return node;
}

json::object local_endpoint(const BootstrapPlan& plan) {
  json::object endpoint;
  endpoint["advertiseAddress"] = text(plan.address.str());
  endpoint["bindPort"] = kApiPort;
  return endpoint;
}

// kubeadm's own defaults, times the patience.
json::object timeouts(const BootstrapPlan& plan) {
  constexpr std::pair<const char*, std::int64_t> defaults[] = {
      {"controlPlaneComponentHealthCheck", 240},
      {"kubeletHealthCheck", 240},
      {"kubernetesAPICall", 60},
      {"etcdAPICall", 120},
      {"tlsBootstrap", 300},
      {"discovery", 300}};
  json::object object;
  for (const auto& [name, seconds] : defaults) {
    object[name] = text(in_seconds(scaled(seconds, plan.patience)));
  }
  return object;
}

// Where kubeadm looks for what is to be changed in the manifests that it writes.
void add_patches(const BootstrapPlan& plan, json::object& into) {
  if (!is_slow(plan)) return;
  json::object patches;
  patches["directory"] = kPatchDirectory;
  into["patches"] = std::move(patches);
}

json::object init_configuration(const BootstrapPlan& plan) {
  json::object init = document(kKubeadm, "InitConfiguration");
  init["nodeRegistration"] = registration(plan);
  init["localAPIEndpoint"] = local_endpoint(plan);
  // Without the phase bootstrap-token there is no token that could be shared. kubeadm's
  // configuration cannot ask for one without rights.
  init["skipPhases"] =
      text_array("preflight", "upload-certs", "bootstrap-token", "show-join-command");
  init["timeouts"] = timeouts(plan);
  add_patches(plan, init);
  return init;
}

// A single member need not be elected, and loses no lease when its machine is slow.
json::array election(const BootstrapPlan& plan) {
  json::array arguments;
  if (plan.control_planes.size() == 1) {
    add_argument(arguments, "leader-elect", "false");
    return arguments;
  }
  const double factor = std::max(1.0, plan.patience);
  add_argument(arguments, "leader-elect-lease-duration", in_seconds(scaled(15, factor)));
  add_argument(arguments, "leader-elect-renew-deadline", in_seconds(scaled(10, factor)));
  add_argument(arguments, "leader-elect-retry-period", in_seconds(scaled(2, factor)));
  return arguments;
}

// etcd gives a request five seconds and two election timeouts. What it has not done by then fails, and an API server that
// cannot write its first objects gives up and begins anew: so a single member, which has nobody to elect, is told as well.
json::object etcd(const BootstrapPlan& plan) {
  json::object local;
  local["dataDir"] = "/var/lib/etcd";
  if (plan.control_planes.size() > 1 || is_slow(plan)) {
    constexpr std::int64_t kMostHeartbeatMs = 5'000;  // ten of them are etcd's longest election timeout
    const std::int64_t heartbeat_ms = std::min(scaled(100, std::max(1.0, plan.patience)), kMostHeartbeatMs);
    json::array arguments;
    add_argument(arguments, "heartbeat-interval", std::to_string(heartbeat_ms));
    add_argument(arguments, "election-timeout", std::to_string(10 * heartbeat_ms));
    local["extraArgs"] = std::move(arguments);
  }
  json::object object;
  object["local"] = std::move(local);
  return object;
}

json::object networking(const BootstrapPlan& plan) {
  json::object object;
  // With cni native each node has its part already; told of the pod network, the controllers of
  // Kubernetes would give out parts of their own.
  if (plan.cni == Cni::none) object["podSubnet"] = text(plan.pod_network.str());
  object["serviceSubnet"] = text(plan.services.str());
  object["dnsDomain"] = kDnsDomain;
  return object;
}

json::object api_server_options(const BootstrapPlan& plan) {
  json::array names = text_array(plan.api_name, "localhost", "127.0.0.1");
  for (const Ipv4 address : plan.control_planes) names.push_back(text(address.str()));
  json::object object;
  object["certSANs"] = std::move(names);
  return object;
}

json::object cluster_configuration(const BootstrapPlan& plan) {
  json::object cluster = document(kKubeadm, "ClusterConfiguration");
  cluster["clusterName"] = text(plan.cluster_name);
  cluster["kubernetesVersion"] = text(plan.version);
  cluster["controlPlaneEndpoint"] = text(api_endpoint(plan));
  cluster["encryptionAlgorithm"] = "ECDSA-P256";
  cluster["certificateValidityPeriod"] = "8760h0m0s";
  cluster["caCertificateValidityPeriod"] = "87600h0m0s";
  cluster["certificatesDir"] = "/etc/kubernetes/pki";
  cluster["imageRepository"] = "registry.k8s.io";
  cluster["networking"] = networking(plan);
  cluster["apiServer"] = api_server_options(plan);
  cluster["controllerManager"] = with_arguments(election(plan));
  cluster["scheduler"] = with_arguments(election(plan));
  cluster["etcd"] = etcd(plan);
  return cluster;
}

json::object kubelet_configuration(const BootstrapPlan& plan) {
  json::object kubelet = document("kubelet.config.k8s.io/v1beta1", "KubeletConfiguration");
  kubelet["cgroupDriver"] = "systemd";
  kubelet["clusterDNS"] = text_array(plan.dns.str());
  kubelet["clusterDomain"] = kDnsDomain;
  kubelet["rotateCertificates"] = true;
  kubelet["resolvConf"] = "/etc/resolv.conf";
  kubelet["failSwapOn"] = true;
  return kubelet;
}

json::object proxy_configuration(const BootstrapPlan& plan) {
  json::object conntrack;
  conntrack["maxPerCore"] = 0;  // the guest's own limit stays
  json::object proxy = document("kubeproxy.config.k8s.io/v1alpha1", "KubeProxyConfiguration");
  proxy["mode"] = "nftables";
  proxy["clusterCIDR"] = text(plan.pod_network.str());
  proxy["detectLocalMode"] = "ClusterCIDR";
  proxy["conntrack"] = std::move(conntrack);
  return proxy;
}

json::object join_configuration(const BootstrapPlan& plan) {
  json::object file, discovery;
  file["kubeConfigPath"] = kDiscoveryPath;
  discovery["file"] = std::move(file);
  json::object join = document(kKubeadm, "JoinConfiguration");
  join["discovery"] = std::move(discovery);
  join["nodeRegistration"] = registration(plan);
  join["skipPhases"] = text_array("preflight");
  join["timeouts"] = timeouts(plan);
  if (plan.role == BootstrapRole::control_plane) {
    json::object member;
    member["localAPIEndpoint"] = local_endpoint(plan);
    join["controlPlane"] = std::move(member);
    add_patches(plan, join);
  }
  return join;
}

// Of a processor; what the kernel weighs them by when all want to run.
const char* processor_share(std::string_view component) {
  if (component == "kube-apiserver") return "450m";
  return component == "etcd" ? "150m" : "25m";
}

}  // namespace

std::string kubeadm_config(const BootstrapPlan& plan) {
  if (plan.role != BootstrapRole::init) return json::serialize(join_configuration(plan)) + "\n";
  return json::serialize(init_configuration(plan)) + "\n---\n" +
         json::serialize(cluster_configuration(plan)) + "\n---\n" +
         json::serialize(kubelet_configuration(plan)) + "\n---\n" +
         json::serialize(proxy_configuration(plan)) + "\n";
}

bool is_slow(const BootstrapPlan& plan) { return plan.patience > 1.0; }

// kubeadm's own values for liveness, times the patience: a slow member that is killed for being slow only
// becomes slower. Readiness kubeadm has asked for every second, of the API server by a TLS handshake and some sixty
// checks, a read of etcd among them. Where that is slow it is asked for as seldom as liveness.
// One processor each: to wake another one costs an emulated machine more than it brings, and there is always another process.
// The API server, which ends itself when its first steps take a minute, and etcd come before those that can only ask it again
// until it answers; together they ask for what kubeadm asks. A collection less often is a tenth of the API server's start.
std::string static_pod_patch(const BootstrapPlan& plan, std::string_view component) {
  constexpr std::int64_t kFailures = 8;
  constexpr std::int64_t kTimeoutSeconds = 15;
  constexpr std::int64_t kPeriodSeconds = 10;
  json::object probe, container, spec, root;
  json::array environment;
  add_argument(environment, kGoProcessors, "1");
  if (component == "kube-apiserver") {
    add_argument(environment, "GOGC", "400");
    add_argument(environment, "GOMEMLIMIT", "600MiB");
  }
  container["env"] = std::move(environment);
  container["resources"] = json::object{{"requests", json::object{{"cpu", processor_share(component)}}}};
  probe["failureThreshold"] = scaled(kFailures, plan.patience);
  probe["timeoutSeconds"] = scaled(kTimeoutSeconds, plan.patience);
  container["name"] = text(component);
  container["livenessProbe"] = std::move(probe);
  // Since 1.32 of all but this one; a probe without an action of its own would be refused.
  if (component != "kube-controller-manager") {
    container["readinessProbe"] = json::object{{"periodSeconds", kPeriodSeconds}};
  }
  json::array containers;
  containers.push_back(std::move(container));
  spec["containers"] = std::move(containers);
  root["spec"] = std::move(spec);
  return json::serialize(root) + "\n";
}

std::string api_server(const BootstrapPlan& plan) { return "https://" + api_endpoint(plan); }

}  // namespace dure::control
