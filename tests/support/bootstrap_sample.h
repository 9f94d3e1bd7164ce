#pragma once

#include <cstddef>
#include <cstdint>
#include <string>
#include <utility>

#include "controlnode/ports/bootstrap_documents.h"

namespace dure::control {

inline std::string fake_pem(const std::string& kind, const std::string& name) {
  return "-----BEGIN " + kind + "-----\n" + name + "\n-----END " + kind + "-----\n";
}

inline CertificateAndKey fake_pair(const std::string& name) {
  return {fake_pem("CERTIFICATE", name), fake_pem("PRIVATE KEY", name)};
}

// What is the same for all members of a cluster of so many control-plane members and two workers.
inline BootstrapPlan sample_plan(std::uint32_t control_planes = 1) {
  const Ipv4Prefix segment = *Ipv4Prefix::parse("10.128.0.0/24");
  BootstrapPlan plan;
  plan.cluster_name = "demo";
  plan.version = "v1.32.13";
  plan.api_name = "api.demo.dure.internal";
  plan.pod_network = *Ipv4Prefix::parse("10.64.0.0/12");
  plan.services = *Ipv4Prefix::parse("10.96.0.0/16");
  plan.dns = *Ipv4::parse("10.96.0.10");
  plan.mtu = 1400;
  for (std::uint32_t n = 0; n < control_planes + 2; ++n) {
    const Ipv4 address = *segment.at(11 + n);
    const bool worker = n >= control_planes;
    plan.hosts.push_back({address, worker ? "demo-w" + std::to_string(n - control_planes + 1)
                                          : "demo-cp" + std::to_string(n + 1)});
    plan.routes.push_back({{Ipv4{plan.pod_network.base.value + ((11 + n) << 8)}, 24}, address});
    if (!worker) plan.control_planes.push_back(address);
  }
  plan.labels = {{"dure.io/class", "anchor"},
                 {"dure.io/host", "lab-01"},
                 {"topology.kubernetes.io/zone", "north"}};
  return plan;
}

// As one member sees it, counted from 0; the first one starts it, the workers are the last two.
inline BootstrapPlan sample_plan_of(std::size_t member, std::uint32_t control_planes = 1) {
  BootstrapPlan plan = sample_plan(control_planes);
  plan.node_name = plan.hosts.at(member).name;
  plan.address = plan.hosts.at(member).address;
  plan.own_pods = plan.routes.at(member).pods;
  plan.routes.erase(plan.routes.begin() + static_cast<std::ptrdiff_t>(member));
  plan.role = member == 0               ? BootstrapRole::init
              : member < control_planes ? BootstrapRole::control_plane
                                        : BootstrapRole::worker;
  if (member < control_planes) {
    std::swap(plan.control_planes.at(0), plan.control_planes.at(member));
    plan.departing = {"demo-w2"};
    plan.admins = {"dure:3f2a"};
  }
  return plan;
}

// All that a cluster has: more than any one role needs.
inline BootstrapKeys sample_keys() {
  BootstrapKeys keys;
  keys.ca_certificate = fake_pem("CERTIFICATE", "ca");
  keys.ca_hash = "sha256:" + std::string(64, 'a');
  keys.cluster = ClusterKeys{fake_pair("ca"), fake_pair("front-proxy-ca"), fake_pair("etcd-ca"),
                             fake_pem("PUBLIC KEY", "sa"), fake_pem("PRIVATE KEY", "sa")};
  keys.node = fake_pair("node");
  return keys;
}

inline AccessDocument sample_access() {
  return {"demo",
          "https://127.0.0.1:16443",
          "api.demo.dure.internal",
          fake_pem("CERTIFICATE", "ca"),
          "dure:3f2a",
          fake_pair("user")};
}

}  // namespace dure::control
