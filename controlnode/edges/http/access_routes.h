#pragma once

#include <string>
#include <vector>

#include "controlnode/edges/http/http_message.h"
#include "controlnode/ports/api.h"

namespace dure::control {

// /clusters/NAME/accesses: credentials for a cluster's API server. The one that is handed out is in the
// answer to its POST and nowhere else.
bool is_accesses(const std::vector<std::string>& path);

void give_access(Api& api, const std::string& cluster, const std::string& body, const Respond& respond);
void list_accesses(Api& api, const std::string& cluster, const Respond& respond);
void revoke_access(Api& api, const std::string& cluster, const std::string& user, const Respond& respond);

}  // namespace dure::control
