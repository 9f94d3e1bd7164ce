#include "controlnode/core/what_if.h"

#include "common/text.h"
#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/decide_clusters.h"
#include "controlnode/core/grammar.h"

namespace dure::control {
namespace {

const Host* host_called(const Model& model, const std::string& name_or_id) {
  for (const auto& [id, host] : model.hosts) {
    if (host.name == name_or_id || id.str() == name_or_id) return &host;
  }
  return nullptr;
}

Error no_such(const std::string& kind, const std::string& name) {
  return {Errc::not_found, "there is no " + kind + " '" + printable(name, 64) + "'"};
}

std::optional<Error> imagine(Model& model, const ImaginedHosts& hosts, const Now& now, IdStream& ids,
                             std::uint32_t& number) {
  const Site* site = find_by_name(model.sites, hosts.site);
  if (site == nullptr) return no_such("site", hosts.site);
  for (std::uint32_t i = 0; i < hosts.count; ++i) {
    if (++number > kMostImagined) {
      return Error{Errc::invalid_argument, "at most " + std::to_string(kMostImagined) + " hosts can be added"};
    }
    Host host;
    host.id = ids.make<HostId>();
    host.name = "added-" + std::to_string(number);
    host.site = site->id;
    host.room = hosts.room;
    host.host_class = hosts.host_class;
    host.capacity = hosts.capacity;
    model.hosts.emplace(host.id, host);
    HostObservation& seen = model.observations[host.id];
    seen.host = host.id;
    seen.seen_at = now.date;
    model.heard[host.id] = {now.steady, {}};
  }
  return std::nullopt;
}

// A name that no cluster has.
std::string free_name(const Model& model) {
  std::string name = "what-if";
  const auto taken = [&] { return find_by_name(model.clusters, name) != nullptr; };
  for (std::uint32_t i = 2; taken(); ++i) name = "what-if-" + std::to_string(i);
  return name;
}

}  // namespace

Reply what_if(const Model& model, const WhatIf& asked, const Now& now) {
  // Always the same ids, so that the same question has the same answer; they are not kept.
  IdStream ids({0x77, 0x68, 0x61, 0x74});
  Model imagined = model;
  for (const std::string& name : asked.remove) {
    const Host* host = host_called(imagined, name);
    if (host == nullptr) return Refused{no_such("host", name), {}};
    imagined.hosts.erase(HostId{host->id});
  }
  for (const std::string& name : asked.uncordon) {
    const Host* host = host_called(imagined, name);
    if (host == nullptr) return Refused{no_such("host", name), {}};
    imagined.hosts.at(host->id).cordoned = false;
  }
  std::uint32_t number = 0;
  for (const ImaginedHosts& hosts : asked.add) {
    if (auto error = imagine(imagined, hosts, now, ids, number)) return Refused{*error, {}};
  }
  CreateCluster request = asked.request;
  request.name = free_name(imagined);
  request.dry_run = true;
  request.idempotency = {};
  // A key pair decides nothing about hosts.
  request.key_pair = "what-if";
  if (imagined.projects.empty()) {
    const Project first{ids.make<ProjectId>(), request.project};
    imagined.projects.emplace(first.id, first);
  }
  if (const Project* project = find_by_name(imagined.projects, request.project)) {
    const KeyPair key_pair{ids.make<KeyPairId>(), project->id, request.key_pair, {}};
    imagined.key_pairs.emplace(key_pair.id, key_pair);
  }
  Kept kept;
  Deciding deciding(imagined, now, ids, kept);
  return create_cluster(deciding, request);
}

}  // namespace dure::control
