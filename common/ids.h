#pragma once

#include "common/uuid.h"

namespace dure {

using SystemId = Id<struct SystemTag>;        // one Dure installation
using SiteId = Id<struct SiteTag>;
using HostId = Id<struct HostTag>;
using ImageId = Id<struct ImageTag>;
using FlavorId = Id<struct FlavorTag>;
using ProjectId = Id<struct ProjectTag>;
using KeyPairId = Id<struct KeyPairTag>;
using ClusterId = Id<struct ClusterTag>;
using NodeId = Id<struct NodeTag>;            // also the libvirt domain's UUID; never used twice
using NetworkId = Id<struct NetworkTag>;
using OperationId = Id<struct OperationTag>;
using OrderId = Id<struct OrderTag>;
using SessionId = Id<struct SessionTag>;      // one agent process; random at each start
using AccessId = Id<struct AccessTag>;        // a user's credential for one cluster
using BootId = Id<struct BootTag>;            // the host kernel's boot id

}  // namespace dure
