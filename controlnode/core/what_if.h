#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controlnode/core/now.h"
#include "controlnode/core/requests.h"

namespace dure::control {

// Hosts that are not there: empty, heard of, and free for guests.
struct ImaginedHosts {
  std::string site, room;
  HostClass host_class = HostClass::scavenged;
  Resources capacity;
  std::uint32_t count = 1;
};

// Whether a cluster would fit if the fleet were another one.
struct WhatIf {
  CreateCluster request;                 // only its nodes and where they may go; name and key pair are not used
  std::vector<ImaginedHosts> add;
  std::vector<std::string> remove;       // hosts by name or id
  std::vector<std::string> uncordon;
};

inline constexpr std::uint32_t kMostImagined = 1000;

// What 'create' would answer, its plan or its refusal with remedies, if so. Nothing is changed.
Reply what_if(const Model& model, const WhatIf& asked, const Now& now);

}  // namespace dure::control
