#include <algorithm>
#include <boost/json.hpp>
#include <optional>
#include <vector>

#include "controlnode/core/bootstrap_plan.h"
#include "controlnode/core/lifecycle.h"
#include "controlnode/edges/http/render.h"

namespace dure::control {
namespace {

namespace json = boost::json;

template <class Map, class Id>
std::string name_of(const Map& map, const Id& id) {
  const auto found = map.find(id);
  return found == map.end() ? std::string() : found->second.name;
}

json::value time_or_null(const std::optional<TimePoint>& at) {
  if (!at) return nullptr;
  return json::string(to_rfc3339(*at));
}

json::value kubernetes_of(const Cluster& cluster) {
  const auto& what = cluster.kubernetes;
  if (what.version.empty()) return nullptr;
  return json::object{{"version", what.version},
                      {"cni", to_string(what.cni)},
                      {"pods", what.pods.str()},
                      {"services", what.services.str()},
                      {"api", api_name(cluster.name)}};
}

// Labels as a host has them: an object.
json::object render(const HostRules& rules) {
  json::array rooms, classes;
  json::object labels;
  for (const std::string& room : rules.rooms) rooms.emplace_back(room);
  for (const HostClass one : rules.classes) classes.emplace_back(to_string(one));
  for (const std::string& label : rules.labels) {
    const auto equals = std::min(label.find('='), label.size());
    labels[label.substr(0, equals)] = equals < label.size() ? label.substr(equals + 1) : std::string();
  }
  return {{"rooms", std::move(rooms)}, {"labels", std::move(labels)}, {"classes", std::move(classes)}};
}

}  // namespace

json::object render(const ModelView& view, const Cluster& cluster) {
  const Model& model = *view;
  const auto nodes = view.index().nodes_of(cluster.id);
  const auto ready = std::count_if(nodes.begin(), nodes.end(),
                                   [](const Node* node) { return node->state == NodeState::ready; });
  json::array sites;
  for (const auto& site : cluster.sites) sites.emplace_back(name_of(model.sites, site));
  json::object object{{"id", cluster.id.str()},
                      {"name", cluster.name},
                      {"project", name_of(model.projects, cluster.project)},
                      {"state", to_string(cluster.state)},
                      {"since", to_rfc3339(cluster.since)},
                      {"reason", cluster.reason},
                      {"control_planes", cluster.control_planes.count},
                      {"workers", cluster.workers.count},
                      {"nodes", nodes.size()},
                      {"nodes_ready", ready},
                      {"flavor", name_of(model.flavors, cluster.flavor)},
                      {"image", name_of(model.images, cluster.image)},
                      {"key_pair", name_of(model.key_pairs, cluster.key_pair)},
                      {"sites", std::move(sites)},
                      {"strategy", to_string(cluster.layout.strategy)},
                      {"apart", cluster.layout.apart},
                      {"survive", to_string(cluster.layout.survive)},
                      {"control_plane_rules", render(cluster.control_planes.rules)},
                      {"worker_rules", render(cluster.workers.rules)},
                      {"until", time_or_null(cluster.until)},
                      {"delete_at", time_or_null(cluster.delete_at)},
                      {"kubernetes", kubernetes_of(cluster)},
                      {"created_at", to_rfc3339(cluster.created_at)},
                      {"operation", nullptr}};
  if (cluster.operation) object["operation"] = cluster.operation->str();
  if (const auto network = model.networks.find(cluster.network); network != model.networks.end()) {
    object["network"] = json::object{{"vni", network->second.vni},
                                     {"prefix", network->second.prefix.str()},
                                     {"gateway", network->second.gateway.str()},
                                     {"mtu", network->second.mtu}};
  }
  return object;
}

json::object render(const Model& model, const Node& node) {
  const auto host = model.hosts.find(node.host);
  std::string site;
  if (host != model.hosts.end()) site = name_of(model.sites, host->second.site);
  json::array stages;
  for (const auto& stage : node.stages) {
    stages.push_back(json::object{{"name", stage.name}, {"at_ms", stage.at_ms}});
  }
  const auto cluster = model.clusters.find(node.cluster);
  std::string project;
  if (cluster != model.clusters.end()) project = name_of(model.projects, cluster->second.project);
  return {{"id", node.id.str()},
          {"name", node.name},
          {"project", project},
          {"role", to_string(node.role)},
          {"state", to_string(node.state)},
          {"since", to_rfc3339(node.since)},
          {"reason", node.reason},
          {"power", to_string(node.power)},
          {"host", name_of(model.hosts, node.host)},
          {"site", site},
          {"address", node.address.str()},
          {"mac", node.mac.str()},
          {"cluster", name_of(model.clusters, node.cluster)},
          {"cluster_id", node.cluster.str()},
          {"generation", node.generation},
          {"observed_generation", node.observed_generation},
          {"vm_state", to_string(node.vm_state)},
          {"pods", node.pods.length == 0 ? json::value(nullptr) : json::value(node.pods.str())},
          {"joined", node.joined},
          {"stages", std::move(stages)},
          {"created_at", to_rfc3339(node.created_at)},
          {"ready_at", time_or_null(node.ready_at)}};
}

json::object render(const Operation& operation) {
  json::array steps;
  for (const auto& step : operation.steps) {
    steps.push_back(json::object{{"name", step.name},
                                 {"state", to_string(step.state)},
                                 {"done", step.done},
                                 {"total", step.total},
                                 {"detail", step.detail},
                                 {"started_at", time_or_null(step.started_at)},
                                 {"finished_at", time_or_null(step.finished_at)}});
  }
  return {{"id", operation.id.str()},
          {"kind", to_string(operation.kind)},
          {"state", to_string(operation.state)},
          {"cluster", operation.cluster_name},
          {"cluster_id", operation.cluster.str()},
          {"steps", std::move(steps)},
          {"error", operation.error},
          {"warning", operation.warning},
          {"started_at", to_rfc3339(operation.started_at)},
          {"finished_at", time_or_null(operation.finished_at)}};
}

json::object render(const EventRow& event) {
  return {{"number", event.number},   {"at", to_rfc3339(event.at)},
          {"kind", event.kind},       {"subject", event.subject.str()},
          {"name", event.subject_name}, {"message", event.message}};
}

json::object render(const Model& model, const ClusterAccess& access) {
  const auto cluster = model.clusters.find(access.cluster);
  const bool active = !access.revoked_at && cluster != model.clusters.end() && cluster->second.access_done >= access.revision;
  return {{"id", access.id.str()},
          {"user", access.user},
          {"cluster", name_of(model.clusters, access.cluster)},
          {"issued_at", to_rfc3339(access.issued_at)},
          {"expires_at", to_rfc3339(access.expires_at)},
          {"revoked_at", time_or_null(access.revoked_at)},
          {"active", active}};
}

json::object render(const Accepted& accepted) {
  json::object object{{"id", accepted.object.str()}, {"name", accepted.name}};
  if (accepted.operation) object["operation"] = accepted.operation->str();
  if (accepted.dry_run) object["dry_run"] = true;
  if (accepted.operation || accepted.dry_run) {
    json::array plan;
    for (const auto& node : accepted.plan) {
      plan.push_back(json::object{{"name", node.name},
                                  {"role", to_string(node.role)},
                                  {"host", node.host},
                                  {"site", node.site}});
    }
    object["plan"] = std::move(plan);
  }
  return object;
}

HttpResponse answer(unsigned status, const json::value& body) {
  HttpResponse response;
  response.status = status;
  response.body = json::serialize(body);
  return response;
}

}  // namespace dure::control
