#pragma once

#include "controlnode/core/deciding.h"
#include "controlnode/core/requests.h"

namespace dure::control {

// A node's VM is switched off, on, or off and on. Asked for what is so already, it is accepted.
Reply power_node(Deciding& deciding, const PowerNode& request);

// The same for who decides it. `why` is not Power::on.
void switch_off(Deciding& deciding, Node node, Power why);
void switch_on(Deciding& deciding, Node node);

}  // namespace dure::control
