#pragma once

#include <string>
#include <vector>

#include "controlnode/edges/http/http_message.h"
#include "controlnode/ports/api.h"

namespace dure::control {

// /placements, /placements/NUMBER and /clusters/NAME/placements: what was decided about hosts, and why. Each
// decision that is explained is made again, which shows whether it comes out the same.
bool is_placements(const std::vector<std::string>& path);
void get_placements(Api& api, const HttpRequest& request, const std::vector<std::string>& path, const Respond& respond);

}  // namespace dure::control
