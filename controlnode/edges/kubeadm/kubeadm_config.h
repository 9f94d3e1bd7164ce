#pragma once

#include <string>

#include "controlnode/core/bootstrap_plan.h"

namespace dure::control {

inline constexpr const char* kDiscoveryPath = "/etc/dure/discovery.conf";

// What `kubeadm init --config` or `kubeadm join --config` takes: documents of one line each,
// divided by a line of three hyphens. kubeadm.k8s.io/v1beta4, for 1.32 and later.
std::string kubeadm_config(const BootstrapPlan& plan);

// "https://<name>:6443"
std::string api_server(const BootstrapPlan& plan);

}  // namespace dure::control
