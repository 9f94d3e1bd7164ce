#pragma once

#include <string>
#include <string_view>

#include "controlnode/core/bootstrap_plan.h"

namespace dure::control {

inline constexpr const char* kDiscoveryPath = "/etc/dure/discovery.conf";

// What `kubeadm init --config` or `kubeadm join --config` takes: documents of one line each,
// divided by a line of three hyphens. kubeadm.k8s.io/v1beta4, for 1.32 and later.
std::string kubeadm_config(const BootstrapPlan& plan);

// Its timeouts are longer than those of common machines.
bool is_slow(const BootstrapPlan& plan);
// How many threads of a Go program run at once.
inline constexpr const char* kGoProcessors = "GOMAXPROCS";
inline constexpr const char* kPatchDirectory = "/etc/dure/patches";
inline constexpr std::string_view kStaticPods[] = {"etcd", "kube-apiserver", "kube-controller-manager",
                                                   "kube-scheduler"};
// A strategic merge patch of the manifest of one of kStaticPods.
std::string static_pod_patch(const BootstrapPlan& plan, std::string_view component);

// "https://<name>:6443"
std::string api_server(const BootstrapPlan& plan);

}  // namespace dure::control
