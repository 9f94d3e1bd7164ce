#pragma once

#include <string_view>

#include "controlnode/core/placement/record.h"
#include "controlnode/edges/postgres/rows.h"
#include "protocol/messages/placement_record.h"

namespace dure::control {

// Between a decision and what is stored of it. Both ways name every field, so that one which is added to a
// host, a request or a policy does not compile until it is stored too. Throws Unreadable.
StoredFleet stored_fleet(const FleetDelta& from);
StoredQuestion stored_question(const PlacementRecord& from);
StoredAnswer stored_answer(const PlacementRecord& from);

void read_question(const StoredQuestion& from, PlacementRecord& into);
void read_answer(const StoredAnswer& from, PlacementRecord& into);
FleetDelta decoded_fleet(const FleetRow& row);

}  // namespace dure::control
