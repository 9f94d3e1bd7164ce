#pragma once

#include <string>
#include <variant>
#include <vector>

#include "controlnode/core/requests.h"
#include "controlnode/core/what_if.h"
#include "controlnode/edges/http/problem.h"

namespace dure::control {

// Bodies of POST requests to values, or every fault at once. Unknown members are faults: a client
// that misspells a field must hear of it.
template <class T>
using ReadResult = std::variant<T, std::vector<Fault>>;

ReadResult<CreateCluster> read_create_cluster(const std::string& body);
ReadResult<UpdateHost> read_update_host(const std::string& host, const std::string& body);
ReadResult<ReplaceHost> read_replace_host(const std::string& host, const std::string& body);
ReadResult<RepairCluster> read_repair_cluster(const std::string& cluster, const std::string& body);
ReadResult<LoseHost> read_lose_host(const std::string& host, const std::string& body);
ReadResult<ReplaceNode> read_replace_node(const std::string& cluster, const std::string& body);
ReadResult<ScaleCluster> read_scale_cluster(const std::string& cluster, const std::string& body);
// Without a body: for as long as GiveAccess says by itself.
ReadResult<GiveAccess> read_give_access(const std::string& cluster, const std::string& body);
ReadResult<WhatIf> read_what_if(const std::string& body);
ReadResult<CreateSite> read_create_site(const std::string& body);
ReadResult<AddHost> read_add_host(const std::string& body);
ReadResult<CreateFlavor> read_create_flavor(const std::string& body);
ReadResult<CreateImage> read_create_image(const std::string& body);
ReadResult<CreateKeyPair> read_create_key_pair(const std::string& body);
ReadResult<CreateProject> read_create_project(const std::string& body);
ReadResult<UpdateProject> read_update_project(const std::string& project, const std::string& body);

}  // namespace dure::control
