#include <doctest/doctest.h>

#include <boost/json.hpp>
#include <functional>
#include <limits>
#include <map>

#include "common/base64.h"
#include "controlnode/edges/kubeadm/json_bootstrap_documents.h"
#include "protocol/messages/host_order.h"
#include "tests/support/bootstrap_sample.h"

using namespace dure;
using namespace dure::control;
namespace json = boost::json;

namespace {

std::string line_of(const BootstrapPlan& plan) {
  const auto line = JsonBootstrapDocuments().node_document(plan, sample_keys());
  REQUIRE_MESSAGE(line, (line ? "" : line.error().message));
  return *line;
}

// Path to mode and content.
using Files = std::map<std::string, std::pair<std::string, std::string>>;
Files files_of(const BootstrapPlan& plan) {
  Files files;
  const auto document = json::parse(line_of(plan));
  for (const auto& file : document.at("files").as_array()) {
    const auto part = [&](const char* key) { return std::string(file.at(key).as_string()); };
    CHECK(files.emplace(part("path"), std::pair{part("mode"), part("content")}).second);
  }
  return files;
}

std::string paths(const Files& files) {
  std::string all;
  for (const auto& [path, file] : files) all += path + " " + file.first + "\n";
  return all;
}

// A text as it is, anything else as JSON.
std::string at(const json::value& document, const char* pointer) {
  const auto& found = document.at_pointer(pointer);
  return found.is_string() ? std::string(found.as_string()) : json::serialize(found);
}

bool has(const std::string& text, const std::string& part) {
  return text.find(part) != std::string::npos;
}

// Whether the text holds it as it is, escaped, or in base64, however it is aligned there.
bool leaks(const std::string& text, const std::string& pem) {
  const std::string escaped =
      json::serialize(json::value(json::string_view(pem.data(), pem.size())));
  return has(text, pem) || has(text, escaped.substr(1, escaped.size() - 2)) ||
         has(text, base64(pem));
}

constexpr const char* kConflist = "/etc/cni/net.d/10-dure.conflist 0644\n";
constexpr const char* kPki =
    "/etc/kubernetes/pki/ca.crt 0644\n/etc/kubernetes/pki/ca.key 0600\n"
    "/etc/kubernetes/pki/etcd/ca.crt 0644\n/etc/kubernetes/pki/etcd/ca.key 0600\n"
    "/etc/kubernetes/pki/front-proxy-ca.crt 0644\n/etc/kubernetes/pki/front-proxy-ca.key 0600\n"
    "/etc/kubernetes/pki/sa.key 0600\n/etc/kubernetes/pki/sa.pub 0644\n";

}  // namespace

TEST_CASE("each role has its files and no other") {
  const std::string discovery = "/etc/dure/discovery.conf 0600\n",
                    kubeadm = "/etc/dure/kubeadm.json 0600\n";
  CHECK(paths(files_of(sample_plan_of(0, 3))) == kConflist + kubeadm + kPki);
  CHECK(paths(files_of(sample_plan_of(1, 3))) == kConflist + discovery + kubeadm + kPki);
  CHECK(paths(files_of(sample_plan_of(3, 3))) == kConflist + discovery + kubeadm);
  auto plan = sample_plan_of(3, 3);
  plan.cni = Cni::none;
  CHECK(paths(files_of(plan)) == discovery + kubeadm);
}

TEST_CASE("a worker is never given a key of its cluster") {
  const auto line = line_of(sample_plan_of(1));
  const auto keys = sample_keys();
  CHECK(leaks(line, keys.node->private_key));
  CHECK(leaks(line, keys.ca_certificate));
  for (const auto& secret :
       {keys.cluster->ca.private_key, keys.cluster->front_proxy_ca.private_key,
        keys.cluster->etcd_ca.private_key, keys.cluster->service_account_private_key}) {
    CHECK_FALSE(leaks(line, secret));
  }
}

TEST_CASE("the node that starts the cluster is given no client's key") {
  const auto line = line_of(sample_plan_of(0));
  CHECK(leaks(line, sample_keys().cluster->ca.private_key));
  CHECK_FALSE(leaks(line, sample_keys().node->private_key));
}

TEST_CASE("a node that has joined is given no key and no credential at all") {
  for (const std::size_t member : {0U, 1U, 3U}) {
    auto plan = sample_plan_of(member, 3);
    plan.joined = true;
    const auto line = line_of(plan);
    CHECK(paths(files_of(plan)) == kConflist);
    CHECK_FALSE(has(line, "PRIVATE KEY"));
    CHECK_FALSE(has(line, "CERTIFICATE"));
    CHECK_FALSE(has(line, base64("-----BEGIN ")));
    CHECK(json::parse(line).at("joined").as_bool());
    plan.cni = Cni::none;
    CHECK(files_of(plan).empty());
  }
}

TEST_CASE(
    "the discovery file names the API server, pins the CA and holds the node's own certificate") {
  const auto file = json::parse(files_of(sample_plan_of(1))["/etc/dure/discovery.conf"].second);
  const auto keys = sample_keys();
  CHECK(at(file, "/clusters/0/cluster/server") == "https://api.demo.dure.internal:6443");
  CHECK(at(file, "/clusters/0/cluster/certificate-authority-data") == base64(keys.ca_certificate));
  CHECK(at(file, "/users/0/name") == "system:node:demo-w1");
  CHECK(at(file, "/users/0/user/client-certificate-data") == base64(keys.node->certificate));
  CHECK(at(file, "/users/0/user/client-key-data") == base64(keys.node->private_key));
  CHECK(at(file, "/current-context") == at(file, "/contexts/0/name"));
  CHECK(at(file, "/contexts/0/context/user") == at(file, "/users/0/name"));
  CHECK(at(file, "/contexts/0/context/cluster") == at(file, "/clusters/0/name"));
}

TEST_CASE("the bridge of the pods has the node's own part of the pod network and its MTU") {
  const auto conflist =
      json::parse(files_of(sample_plan_of(1))["/etc/cni/net.d/10-dure.conflist"].second);
  CHECK(at(conflist, "/plugins/0/ipam/ranges/0/0/subnet") == "10.64.12.0/24");
  CHECK(at(conflist, "/plugins/0/mtu") == "1400");
  CHECK(at(conflist, "/plugins/0/ipam/routes/0/dst") == "0.0.0.0/0");
  CHECK(conflist.at("plugins").as_array().size() == 2);
}

TEST_CASE("the API server's name stands for each control-plane member, this one first") {
  const auto hosts = json::serialize(json::parse(line_of(sample_plan_of(1, 3))).at("hosts"));
  CHECK(
      hosts ==
      R"([["10.128.0.11","demo-cp1"],["10.128.0.12","demo-cp2"],["10.128.0.13","demo-cp3"],)"
      R"(["10.128.0.14","demo-w1"],["10.128.0.15","demo-w2"],["10.128.0.12","api.demo.dure.internal"],)"
      R"(["10.128.0.11","api.demo.dure.internal"],["10.128.0.13","api.demo.dure.internal"]])");
}

TEST_CASE("only control-plane members are told of departing nodes and administrators") {
  const auto member = json::parse(line_of(sample_plan_of(0)));
  CHECK(json::serialize(member.at("departing")) == R"(["demo-w2"])");
  CHECK(json::serialize(member.at("admins")) == R"(["dure:3f2a"])");
  auto plan = sample_plan_of(1);
  plan.departing = {"demo-w2"};
  plan.admins = {"dure:3f2a"};
  const auto worker = json::parse(line_of(plan)).as_object();
  CHECK(worker.find("departing") == worker.end());
  CHECK(worker.find("admins") == worker.end());
}

TEST_CASE("a quote or a backslash in a user's name stays inside of its field") {
  const std::string user = R"(a","admins":["b\)";
  auto plan = sample_plan_of(0);
  plan.admins = {user};
  const auto document = json::parse(line_of(plan));
  CHECK(document.at("admins").as_array().size() == 1);
  CHECK(at(document, "/admins/0") == user);
  auto access = sample_access();
  access.user = user;
  const auto kubeconfig = JsonBootstrapDocuments().kubeconfig(access);
  REQUIRE(kubeconfig);
  CHECK(at(json::parse(*kubeconfig), "/users/0/name") == user);
}

TEST_CASE("a plan whose text could mean something else in the guest is refused") {
  const std::vector<std::function<void(BootstrapPlan&)>> faults = {
      [](auto& plan) { plan.node_name = "demo-w1\n10.0.0.1 evil"; },
      [](auto& plan) { plan.node_name = "demo w1"; },
      [](auto& plan) { plan.node_name = "Demo"; },
      [](auto& plan) { plan.node_name = ""; },
      [](auto& plan) { plan.node_name = "../etc"; },
      [](auto& plan) { plan.cluster_name = "demo\""; },
      [](auto& plan) { plan.api_name = "api demo"; },
      [](auto& plan) { plan.version = "v1.32.13 --flag"; },
      [](auto& plan) { plan.version = ""; },
      [](auto& plan) { plan.hosts[0].name = "a\tb"; },
      [](auto& plan) { plan.departing = {"--all"}; },
      [](auto& plan) { plan.admins = {"a\nb"}; },
      [](auto& plan) { plan.admins = {""}; },
      [](auto& plan) { plan.admins = {"\xff"}; },
      [](auto& plan) {
        plan.labels = {{"dure.io/host", "a,b=c"}};
      },
      [](auto& plan) {
        plan.labels = {{"dure.io/host", "a --flag"}};
      },
      [](auto& plan) {
        plan.labels = {{"dure.io/host", "a\" b"}};
      },
      [](auto& plan) {
        plan.labels = {{"dure.io/", "a"}};
      },
      [](auto& plan) {
        plan.labels = {{"a b", "c"}};
      },
      [](auto& plan) {
        plan.labels = {{"a", std::string(64, 'v')}};
      },
      [](auto& plan) { plan.control_planes.clear(); },
      [](auto& plan) { plan.own_pods = {}; },
      [](auto& plan) { plan.own_pods = *Ipv4Prefix::parse("10.128.0.0/24"); },
      [](auto& plan) { plan.own_pods.length = 31; },
      [](auto& plan) { plan.services = {}; },
      [](auto& plan) { plan.mtu = 0; },
      [](auto& plan) { plan.patience = 0; },
      [](auto& plan) { plan.patience = 1e9; },
      [](auto& plan) { plan.patience = std::numeric_limits<double>::quiet_NaN(); },
  };
  for (std::size_t i = 0; i < faults.size(); ++i) {
    auto plan = sample_plan_of(0);
    faults[i](plan);
    const auto refused = JsonBootstrapDocuments().node_document(plan, sample_keys());
    CAPTURE(i);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid_argument);
  }
}

TEST_CASE("keys that are not PEM are refused without a word of them") {
  auto keys = sample_keys();
  keys.cluster->ca.private_key = "secret";
  const auto refused = JsonBootstrapDocuments().node_document(sample_plan_of(0), keys);
  REQUIRE_FALSE(refused);
  CHECK_FALSE(has(refused.error().message, "secret"));
  keys = sample_keys();
  keys.node->certificate += '\x01';
  CHECK_FALSE(JsonBootstrapDocuments().node_document(sample_plan_of(1), keys));
}

TEST_CASE("a kubeconfig with a fault is refused") {
  const std::vector<std::function<void(AccessDocument&)>> faults = {
      [](auto& access) { access.server = "http://127.0.0.1:16443"; },
      [](auto& access) { access.server = "https://a\nb"; },
      [](auto& access) { access.tls_server_name = "a b"; },
      [](auto& access) { access.user = "a\nb"; },
      [](auto& access) { access.cluster_name = ""; },
      [](auto& access) { access.client.private_key = ""; },
      [](auto& access) { access.ca_certificate = "x"; },
  };
  for (const auto& fault : faults) {
    auto access = sample_access();
    fault(access);
    const auto refused = JsonBootstrapDocuments().kubeconfig(access);
    REQUIRE_FALSE(refused);
    CHECK(refused.error().code == Errc::invalid_argument);
  }
}

TEST_CASE("the document of the largest cluster fits; a larger one is refused") {
  auto plan = sample_plan_of(1, 3);
  const auto longer = [&](std::uint32_t members) {
    while (plan.hosts.size() < members) {
      const auto n = static_cast<std::uint32_t>(plan.hosts.size());
      plan.hosts.push_back(
          {Ipv4{0x0a800000 + 11 + n}, std::string(40, 'n') + "-w" + std::to_string(n)});
      plan.routes.push_back({{Ipv4{0x0a400000 + (n << 8)}, 24}, Ipv4{0x0a800000 + 11 + n}});
    }
    plan.departing.assign(64, std::string(40, 'n') + "-w64");
    plan.admins.assign(64, "dure:" + std::string(36, 'a'));
  };
  auto keys = sample_keys();
  const std::string long_pem = fake_pem("CERTIFICATE", std::string(1500, 'c'));
  for (auto* pair :
       {&keys.cluster->ca, &keys.cluster->front_proxy_ca, &keys.cluster->etcd_ca, &*keys.node}) {
    *pair = {long_pem, fake_pem("PRIVATE KEY", std::string(400, 'k'))};
  }
  longer(64);
  const auto line = JsonBootstrapDocuments().node_document(plan, keys);
  REQUIRE(line);
  CHECK(line->size() <= kMaxBootstrapBytes);
  longer(2000);
  const auto refused = JsonBootstrapDocuments().node_document(plan, keys);
  REQUIRE_FALSE(refused);
  CHECK(refused.error().code == Errc::invalid_argument);
}
