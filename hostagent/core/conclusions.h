#pragma once

#include <set>
#include <vector>

#include "hostagent/core/attempts.h"
#include "hostagent/core/host_plan.h"
#include "hostagent/core/observed.h"
#include "protocol/messages/host_order.h"
#include "protocol/messages/host_report.h"

namespace dure::host {

// What follows from a look beside the plan. AgentLoop and the walks of tests/explore ask the same functions.

// `earlier`: what an earlier process of this agent may have made and nobody has seen yet. What is seen has come to be; and once
// nothing of that process can take effect any more (`over`), what is not there never will be.
void prove_earlier(std::set<ObjectRef>& earlier, const Observed& observed, bool over);

// Of these the look that has ended last proves nothing: something is being done with them, has ended after it began, or may yet be
// done by an earlier process.
std::set<ObjectRef> unproven(const std::set<ObjectRef>& earlier, const Attempts& attempts);

// What the journal says may exist is gone: no order wants it, it is not `at_work` (unproven), and a look that proves something
// does not find it. So it is also when the agent died between a removal and its note of it.
bool is_gone(const ObjectRef& object, const HostOrder& order, const Observed& observed, const std::set<ObjectRef>& at_work);

// The order may be told as applied: nothing is left to do, or only what has failed. What keeps failing must not hold back the word
// that everything else was done.
bool is_applied(const HostPlan& plan, const Observed& observed, const Attempts& attempts);

// VMs and networks of which a report's lists are no proof: what is unproven (`at_work`), and what is removed but for its files.
// Sorted. `order`, `observed` null: there is none yet.
std::vector<ObjectRef> told_in_flight(const std::set<ObjectRef>& at_work, const HostOrder* order, const Observed* observed);

}  // namespace dure::host
