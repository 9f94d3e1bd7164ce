#pragma once

#include <string>
#include <vector>

#include "common/time.h"
#include "controlnode/edges/http/http_message.h"
#include "controlnode/ports/api.h"

namespace dure::control {

// /plan: what would fit, and what would make more fit. Asked for, never done.
bool is_plan(const std::vector<std::string>& path);

// /plan/capacity: how many guests of each flavor fit, by site, now and whenever that changes in the `hours` to come
// because hosts are their owners' or come free. `stay_s`: only such as need not leave for that time.
void get_capacity(Api& api, const HttpRequest& request, const Respond& respond);

// /plan/rebalance?flavor=NAME&moves=N: which nodes could move, and how many more of the flavor fit then.
void get_rebalancing(Api& api, const HttpRequest& request, const Respond& respond);

// POST /plan/what-if: the plan, or the refusal with its remedies, on a fleet that is changed for this answer alone.
void post_what_if(Api& api, const std::string& body, const Respond& respond);

}  // namespace dure::control
