#pragma once

#include <set>

#include "common/digest.h"
#include "hostagent/core/host_plan.h"
#include "protocol/messages/host_order.h"

namespace dure::host {

// Whatever the order's images are made of.
std::set<Digest> blobs_of(const HostOrder& order);

// The objects of which the newer order asks for something that the older one did not: VMs with their images and networks, networks,
// blobs, removals, and the host where its packet filter has other networks. `older` null: all of them. A guest's document is no
// wish: it is made anew with every order.
std::set<OpKey> new_wishes(const HostOrder* older, const HostOrder& newer);

}  // namespace dure::host
