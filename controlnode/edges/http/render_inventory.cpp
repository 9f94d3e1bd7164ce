#include <boost/json.hpp>
#include <map>
#include <span>
#include <utility>

#include "controlnode/core/busy_windows.h"
#include "controlnode/core/lifecycle.h"
#include "controlnode/core/placement.h"
#include "controlnode/core/quota.h"
#include "controlnode/core/round_trips.h"
#include "controlnode/edges/http/render.h"

namespace dure::control {
namespace {

namespace json = boost::json;

json::object render(const Resources& amount) {
  return {{"vcpus", amount.vcpus}, {"memory_mib", amount.memory_mib}, {"disk_gib", amount.disk_gib}};
}

json::value render(const BlobRef& blob) {
  if (blob.size_bytes == 0) return nullptr;
  return json::object{{"sha256", blob.digest.str()}, {"size_bytes", blob.size_bytes}};
}

Resources claimed_by(const Model& model, std::span<const Node* const> nodes) {
  Resources sum;
  for (const Node* node : nodes) {
    const auto claim = model.claims.find(node->id);
    if (claim == model.claims.end()) continue;
    sum.vcpus += claim->second.amount.vcpus;
    sum.memory_mib += claim->second.amount.memory_mib;
    sum.disk_gib += claim->second.amount.disk_gib;
  }
  return sum;
}

// In one word; what a host cannot take at the moment but could otherwise is no state of it.
std::string_view host_state(Unusable why) {
  switch (why) {
    case Unusable::no:
    case Unusable::crowded: return "ready";
    case Unusable::not_reported: return "new";
    default: return to_string(why);
  }
}

json::array render(const std::vector<SeenCondition>& conditions) {
  json::array items;
  for (const SeenCondition& each : conditions) {
    items.push_back(json::object{{"code", to_string(each.condition.code)},
                                 {"message", each.condition.message},
                                 {"since", to_rfc3339(each.since)}});
  }
  return items;
}

// What the host has to remove; `owed`: nobody waits for it.
json::array removals_of(const Model& model, const HostId& host) {
  json::array items;
  const auto found = model.removals.find(host);
  if (found == model.removals.end()) return items;
  for (const Removal& removal : found->second) {
    items.push_back(json::object{{"kind", to_string(removal.kind)},
                                 {"id", removal.object.str()},
                                 {"name", removal.name},
                                 {"owed", removal.owed}});
  }
  return items;
}

// To every other site, by name; null: not measured of late.
json::array round_trips(const Model& model, const SiteId& own, SteadyPoint now) {
  std::map<std::string, json::value> others;
  for (const auto& [id, site] : model.sites) {
    if (id != own) others.emplace(site.name, nullptr);
  }
  for (const auto& distance : site_distances(model, now)) {
    if (distance.one != own && distance.other != own) continue;
    const auto other = model.sites.find(distance.one == own ? distance.other : distance.one);
    if (other == model.sites.end()) continue;
    others[other->second.name] = distance.round_trip.count();
  }
  json::array result;
  for (auto& [name, round_trip] : others) {
    result.push_back(json::object{{"site", name}, {"round_trip_us", std::move(round_trip)}});
  }
  return result;
}

}  // namespace

json::object render(const ModelView& view, const Site& site) {
  const Model& model = *view;
  std::uint64_t hosts = 0;
  for (const auto& [id, host] : model.hosts) hosts += host.site == site.id ? 1U : 0U;
  return {{"id", site.id.str()},
          {"name", site.name},
          {"underlay_mtu", site.underlay_mtu},
          {"hosts", hosts},
          {"round_trips", round_trips(model, site.id, view.now().steady)}};
}

namespace {

json::object render(const std::map<std::string, std::string>& labels) {
  json::object object;
  for (const auto& [key, value] : labels) object[key] = value;
  return object;
}

json::array render(const std::vector<BusyWindow>& windows) {
  json::array items;
  for (const BusyWindow& window : windows) {
    items.push_back(json::object{{"from", to_rfc3339(window.from)}, {"until", to_rfc3339(window.until)}});
  }
  return items;
}

// Why it is given no node; else what is wrong with it all the same, which nobody would look for at a host that is ready.
std::string reason_of(const WhyUnusable& why, const HostObservation* seen) {
  if (!why.text.empty() || seen == nullptr || seen->conditions.empty()) return why.text;
  const SeenCondition& first = seen->conditions.front();
  return first.condition.message + ", since " + to_rfc3339(first.since);
}

}  // namespace

json::object render(const ModelView& view, const Host& host) {
  const Model& model = *view;
  const auto site = model.sites.find(host.site);
  const auto found = model.observations.find(host.id);
  const auto* seen = found == model.observations.end() ? nullptr : &found->second;
  const auto nodes = view.index().nodes_on(host.id);
  const auto why = why_unusable(model, host.id, static_cast<std::uint32_t>(nodes.size()), view.now());
  json::object object{{"id", host.id.str()},
                      {"name", host.name},
                      {"site", site == model.sites.end() ? std::string() : site->second.name},
                      {"address", host.address.str()},
                      {"class", to_string(host.host_class)},
                      {"room", host.room},
                      {"labels", render(host.labels)},
                      {"busy", render(not_over(host.busy, view.now().date))},
                      {"state", host_state(why.code)},
                      {"reason", reason_of(why, seen)},
                      {"cordoned", host.cordoned},
                      {"capacity", render(host.capacity)},
                      {"reserve", render(host.reserve)},
                      {"allocatable", render(allocatable(model, host))},
                      {"claimed", render(claimed_by(model, nodes))},
                      {"nodes", nodes.size()},
                      {"generation", host.generation},
                      {"removing", removals_of(model, host.id)},
                      {"conditions", json::array{}},
                      {"lost_at", nullptr}};
  if (host.lost_at) object["lost_at"] = to_rfc3339(*host.lost_at);
  object["vcpu_overcommit_percent"] = nullptr;
  if (host.vcpu_overcommit_percent) object["vcpu_overcommit_percent"] = *host.vcpu_overcommit_percent;
  if (seen != nullptr) {
    object["applied_generation"] = seen->applied_generation;
    object["seen_at"] = to_rfc3339(seen->seen_at);
    object["agent_version"] = seen->agent_version;
    object["conditions"] = render(seen->conditions);
    object["reported"] = json::object{{"vcpus", seen->capacity.vcpus},
                                      {"memory_mib", seen->capacity.memory_mib},
                                      {"disk_gib", seen->capacity.disk_gib},
                                      {"disk_free_gib", seen->capacity.disk_free_gib}};
    object["virtualisation"] = seen->capacity.hardware_virtualisation ? "kvm" : "tcg";
    json::array failures;
    for (const auto& failure : seen->failures) {
      failures.push_back(json::object{{"object", to_string(failure.kind)},
                                      {"id", failure.object.str()},
                                      {"code", to_string(failure.code)},
                                      {"message", failure.message}});
    }
    object["failures"] = std::move(failures);
    json::array strangers;
    for (const auto& id : seen->strangers) strangers.emplace_back(id.str());
    object["strangers"] = std::move(strangers);
  }
  return object;
}

json::object render(const Flavor& flavor) {
  return {{"id", flavor.id.str()},
          {"name", flavor.name},
          {"vcpus", flavor.vcpus},
          {"memory_mib", flavor.memory_mib},
          {"disk_gib", flavor.disk_gib}};
}

json::object render(const Image& image) {
  return {{"id", image.id.str()},          {"name", image.name},
          {"disk", render(image.disk)},    {"kernel", render(image.kernel)},
          {"initrd", render(image.initrd)}, {"cmdline", image.cmdline},
          {"min_disk_gib", image.min_disk_gib},
          {"kubernetes", image.kubernetes.empty() ? json::value(nullptr) : json::value(image.kubernetes)}};
}

json::object render(const Model& model, const KeyPair& key_pair) {
  const auto project = model.projects.find(key_pair.project);
  return {{"id", key_pair.id.str()},
          {"name", key_pair.name},
          {"project", project == model.projects.end() ? std::string() : project->second.name},
          {"public_key", key_pair.public_key}};
}

json::object render(const ModelView& view, const Project& project) {
  const Usage& used = view.index().usage_of(project.id);
  json::object quota, usage;
  for (const QuotaPart& part : quota_parts()) {
    const auto& limit = project.quota.*part.limit;
    quota[part.name] = limit ? json::value(*limit) : json::value(nullptr);
    usage[part.name] = part.of(used);
  }
  return {{"id", project.id.str()}, {"name", project.name}, {"quota", std::move(quota)}, {"usage", std::move(usage)}};
}

}  // namespace dure::control
