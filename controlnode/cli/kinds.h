#pragma once

#include "controlnode/cli/output.h"

namespace dure::cli {

// The things of the API, in the order of 'dure --help'.
const std::vector<Kind>& kinds();
const Kind& access_kind();               // credentials of one cluster
const Kind& busy_kind();                 // a time in which a host is its owner's
const Kind& capacity_kind();             // what fits at a site
const Kind& move_kind();                 // of a rebalancing
const Kind& decision_kind();             // about hosts
const Kind& choice_kind();               // of a host for a node
const Kind& verdict_kind();              // of a host about a request
const Kind& kind(std::string_view noun);  // precondition: there is such a noun

}  // namespace dure::cli
