#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "controlnode/edges/http/body_reader.h"

namespace dure::control {

// What a body says of where nodes may go and for how long.

// strategy, apart, survive, until, control_plane_rules and worker_rules.
void read_wishes(BodyReader& reader, CreateCluster& wanted);

// A list of {from, until}.
std::vector<BusyWindow> read_busy(BodyReader& reader, std::string_view name);

// `until` alone: a time, or null for no end.
ReadResult<ExtendCluster> read_extend_cluster(const std::string& cluster, const std::string& body);

}  // namespace dure::control
