#include "controlnode/edges/kubeadm/kubeadm_config.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <vector>

#include "tests/support/bootstrap_sample.h"

using namespace dure;
using namespace dure::control;
namespace json = boost::json;

namespace {

// As kubeadm divides them: by lines of three hyphens.
std::vector<json::value> documents_of(const BootstrapPlan& plan) {
  constexpr std::string_view divider = "\n---\n";
  std::string all = kubeadm_config(plan);
  REQUIRE(all.ends_with('\n'));
  all.pop_back();
  std::vector<json::value> documents;
  for (std::size_t at = 0; at != std::string::npos;) {
    const auto end = all.find(divider, at);
    const std::string one = all.substr(at, end == std::string::npos ? end : end - at);
    CHECK(one.find('\n') == std::string::npos);
    documents.push_back(json::parse(one));
    at = end == std::string::npos ? end : end + divider.size();
  }
  return documents;
}

std::string at(const json::value& document, const char* pointer) {
  const auto& found = document.at_pointer(pointer);
  return found.is_string() ? std::string(found.as_string()) : json::serialize(found);
}

}  // namespace

TEST_CASE("a node that starts the cluster has four documents, in kubeadm's versions") {
  const auto documents = documents_of(sample_plan_of(0));
  REQUIRE(documents.size() == 4);
  const std::pair<const char*, const char*> kinds[] = {
      {"kubeadm.k8s.io/v1beta4", "InitConfiguration"},
      {"kubeadm.k8s.io/v1beta4", "ClusterConfiguration"},
      {"kubelet.config.k8s.io/v1beta1", "KubeletConfiguration"},
      {"kubeproxy.config.k8s.io/v1alpha1", "KubeProxyConfiguration"}};
  for (std::size_t i = 0; i < 4; ++i) {
    CHECK(at(documents[i], "/apiVersion") == kinds[i].first);
    CHECK(at(documents[i], "/kind") == kinds[i].second);
  }
  CHECK(at(documents[0], "/localAPIEndpoint/advertiseAddress") == "10.128.0.11");
  CHECK(at(documents[1], "/controlPlaneEndpoint") == "api.demo.dure.internal:6443");
  CHECK(at(documents[1], "/kubernetesVersion") == "v1.32.13");
  CHECK(at(documents[2], "/clusterDNS/0") == "10.96.0.10");
  CHECK(at(documents[3], "/clusterCIDR") == "10.64.0.0/12");
}

TEST_CASE("no token is made that nodes could share") {
  const auto init = documents_of(sample_plan_of(0)).at(0);
  CHECK(at(init, "/skipPhases").find("\"bootstrap-token\"") != std::string::npos);
  CHECK(init.as_object().find("bootstrapTokens") == init.as_object().end());
}

TEST_CASE("who joins has one document, and only control-plane members an API of their own") {
  const auto member = documents_of(sample_plan_of(1, 3)),
             worker = documents_of(sample_plan_of(3, 3));
  REQUIRE(member.size() == 1);
  REQUIRE(worker.size() == 1);
  for (const auto* document : {&member[0], &worker[0]}) {
    CHECK(at(*document, "/kind") == "JoinConfiguration");
    CHECK(at(*document, "/discovery/file/kubeConfigPath") == "/etc/dure/discovery.conf");
  }
  CHECK(at(member[0], "/controlPlane/localAPIEndpoint/advertiseAddress") == "10.128.0.12");
  CHECK(worker[0].as_object().find("controlPlane") == worker[0].as_object().end());
}

TEST_CASE("a node is registered with its name, address and labels") {
  const auto worker = documents_of(sample_plan_of(1)).at(0);
  CHECK(at(worker, "/nodeRegistration/name") == "demo-w1");
  CHECK(at(worker, "/nodeRegistration/kubeletExtraArgs/0") ==
        R"({"name":"node-ip","value":"10.128.0.12"})");
  CHECK(at(worker, "/nodeRegistration/kubeletExtraArgs/1/value") ==
        "dure.io/class=anchor,dure.io/host=lab-01,topology.kubernetes.io/zone=north");
  auto bare = sample_plan_of(1);
  bare.labels.clear();
  CHECK(at(documents_of(bare).at(0), "/nodeRegistration/kubeletExtraArgs").find("node-labels") ==
        std::string::npos);
}

TEST_CASE(
    "workers on scavenged hosts are avoided; control-plane members keep kubeadm's own taint") {
  auto worker = sample_plan_of(1), first = sample_plan_of(0);
  CHECK(at(documents_of(worker).at(0), "/nodeRegistration/taints") == "[]");
  worker.scavenged = first.scavenged = true;
  CHECK(at(documents_of(worker).at(0), "/nodeRegistration/taints") ==
        R"([{"key":"dure.io/scavenged","value":"true","effect":"PreferNoSchedule"}])");
  const auto registration = documents_of(first).at(0).at("nodeRegistration").as_object();
  CHECK(registration.find("taints") == registration.end());
}

TEST_CASE("a slow control-plane member is not killed for being slow") {
  auto plan = sample_plan_of(0);
  plan.patience = 1;
  CHECK(!documents_of(plan).at(0).as_object().contains("patches"));
  plan.patience = 6;
  CHECK(at(documents_of(plan).at(0), "/patches/directory") == kPatchDirectory);
  const auto patch = json::parse(static_pod_patch(plan, "kube-apiserver"));
  CHECK(at(patch, "/spec/containers/0/name") == "kube-apiserver");
  CHECK(at(patch, "/spec/containers/0/livenessProbe/failureThreshold") == "48");
  CHECK(at(patch, "/spec/containers/0/livenessProbe/timeoutSeconds") == "90");
  CHECK(at(patch, "/spec/containers/0/readinessProbe") == R"({"periodSeconds":10})");
  CHECK(at(patch, "/spec/containers/0/env") == R"([{"name":"GOMAXPROCS","value":"1"},{"name":"GOGC","value":"400"},)"
                                               R"({"name":"GOMEMLIMIT","value":"600MiB"}])");
  CHECK(at(json::parse(static_pod_patch(plan, "etcd")), "/spec/containers/0/env") == R"([{"name":"GOMAXPROCS","value":"1"}])");
  std::int64_t thousandths = 0;
  for (const auto component : kStaticPods) {
    const std::string share = at(json::parse(static_pod_patch(plan, component)), "/spec/containers/0/resources/requests/cpu");
    CAPTURE(component);
    REQUIRE(share.ends_with("m"));
    thousandths += std::stoll(share);
    CHECK((std::stoll(share) > 100) == (component == "etcd" || component == "kube-apiserver"));
  }
  CHECK(thousandths == 100 + 250 + 200 + 100);  // kubeadm's own, in constants and manifests
  CHECK(static_pod_patch(plan, "kube-controller-manager").find("readinessProbe") == std::string::npos);
  auto member = sample_plan_of(1, 3);
  member.patience = 6;
  CHECK(at(documents_of(member).at(0), "/patches/directory") == kPatchDirectory);
  auto worker = sample_plan_of(1);
  worker.patience = 6;
  CHECK(!documents_of(worker).at(0).as_object().contains("patches"));
}

TEST_CASE("every timeout is kubeadm's own times the patience, in whole seconds") {
  auto plan = sample_plan_of(1);
  plan.patience = 1;
  CHECK(
      at(documents_of(plan).at(0), "/timeouts") ==
      R"({"controlPlaneComponentHealthCheck":"240s","kubeletHealthCheck":"240s","kubernetesAPICall":"60s",)"
      R"("etcdAPICall":"120s","tlsBootstrap":"300s","discovery":"300s"})");
  plan.patience = 2.511;
  CHECK(at(documents_of(plan).at(0), "/timeouts/kubernetesAPICall") == "151s");
}

TEST_CASE(
    "a single control-plane member is not elected; several are, as slowly as their machines, and so patient is etcd") {
  const auto alone = documents_of(sample_plan_of(0)).at(1);
  CHECK(at(alone, "/scheduler/extraArgs") == R"([{"name":"leader-elect","value":"false"}])");
  CHECK(at(alone, "/etcd/local") == R"({"dataDir":"/var/lib/etcd"})");
  auto slow = sample_plan_of(0);
  slow.patience = 2;
  CHECK(at(documents_of(slow).at(1), "/scheduler/extraArgs") == R"([{"name":"leader-elect","value":"false"}])");
  CHECK(
      at(documents_of(slow).at(1), "/etcd/local/extraArgs") ==
      R"([{"name":"heartbeat-interval","value":"200"},{"name":"election-timeout","value":"2000"}])");
  slow.patience = 100;  // etcd takes no longer election timeout
  CHECK(at(documents_of(slow).at(1), "/etcd/local/extraArgs/1/value") == "50000");
  auto plan = sample_plan_of(0, 3);
  plan.patience = 6;
  const auto three = documents_of(plan).at(1);
  for (const char* component : {"/controllerManager/extraArgs", "/scheduler/extraArgs"}) {
    CHECK(
        at(three, component) ==
        R"([{"name":"leader-elect-lease-duration","value":"90s"},{"name":"leader-elect-renew-deadline","value":"60s"},)"
        R"({"name":"leader-elect-retry-period","value":"12s"}])");
  }
  CHECK(
      at(three, "/etcd/local/extraArgs") ==
      R"([{"name":"heartbeat-interval","value":"600"},{"name":"election-timeout","value":"6000"}])");
  plan.patience = 0.5;  // never hastier than the defaults
  CHECK(at(documents_of(plan).at(1), "/etcd/local/extraArgs/0/value") == "100");
}

TEST_CASE("the API server's certificate holds its name, every member and this machine") {
  CHECK(
      at(documents_of(sample_plan_of(0, 3)).at(1), "/apiServer/certSANs") ==
      R"(["api.demo.dure.internal","localhost","127.0.0.1","10.128.0.11","10.128.0.12","10.128.0.13"])");
}

TEST_CASE("Kubernetes gives out pod networks itself only where Dure does not") {
  auto plan = sample_plan_of(0);
  CHECK(at(documents_of(plan).at(1), "/networking") ==
        R"({"serviceSubnet":"10.96.0.0/16","dnsDomain":"cluster.local"})");
  plan.cni = Cni::none;
  CHECK(at(documents_of(plan).at(1), "/networking/podSubnet") == "10.64.0.0/12");
}
