#include "controlnode/core/decide_hosts.h"

#include <algorithm>
#include <set>
#include <utility>
#include <vector>

#include "common/planted.h"
#include "common/text.h"
#include "controlnode/core/busy_windows.h"
#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/grammar.h"
#include "controlnode/core/operations.h"
#include "controlnode/core/placement/fleet.h"
#include "controlnode/core/removals.h"
#include "controlnode/core/silence.h"

namespace dure::control {
namespace {

constexpr std::int64_t kMaxAmount = 1'000'000'000;

bool amounts_valid(const Resources& capacity, const Resources& reserve) {
  const auto valid = [](std::int64_t total, std::int64_t kept) {
    return kept >= 0 && total > kept && total <= kMaxAmount;
  };
  return valid(capacity.vcpus, reserve.vcpus) && valid(capacity.memory_mib, reserve.memory_mib) &&
         valid(capacity.disk_gib, reserve.disk_gib);
}

// A PC with an address out of what clusters are given would take its own neighbours for guests.
std::optional<std::string> address_fault(const Settings& settings, Ipv4 address) {
  if (!is_round_trip_target(address)) {
    return "address: must be the one by which other hosts reach this one, not " + address.str();
  }
  const std::pair<const Ipv4Prefix&, const char*> taken[] = {{settings.cluster_networks, "the clusters' networks"},
                                                             {settings.pod_network, "the pods"},
                                                             {settings.service_network, "the services"}};
  for (const auto& [prefix, whose] : taken) {
    if (!prefix.contains(address)) continue;
    return "address: " + address.str() + " is out of " + prefix.str() + ", which is for " + whose +
           ": give those other networks in the control node's configuration";
  }
  return std::nullopt;
}

// With another host than `except`.
std::optional<std::string> conflict_of(const Model& model, const Host& wanted, const HostId& except) {
  for (const auto& [id, host] : model.hosts) {
    if (id == except) continue;
    const std::string given_up = "was given up: 'dure host replace " + host.name +
                                 "' puts another PC in its place, 'dure host delete' forgets it";
    const std::string whose = "belongs to host '" + host.name + "'" + (host.lost_at ? ", which " + given_up : "");
    if (id == wanted.id) return "the id " + whose;
    if (host.name == wanted.name) return "host '" + host.name + "' exists already" + (host.lost_at ? " and " + given_up : "");
    if (host.address == wanted.address) return "the address " + whose;
    if (host.curve_key == wanted.curve_key) return "the key " + whose;
  }
  return std::nullopt;
}

std::optional<std::string> place_fault(const std::string& room, const std::map<std::string, std::string>& labels) {
  if (!room.empty() && !valid_room(room)) {
    return "room: at most 32 letters, digits, '-', '.' and '_', a letter or digit at both ends";
  }
  if (labels.size() > kMaxLabels) return "labels: at most " + std::to_string(kMaxLabels) + " on one host";
  for (const auto& [key, value] : labels) {
    if (!valid_label_key(key)) {
      return "labels: '" + printable(key, 64) + "' is no key: lower-case letters, digits, '-', '.', '_' and '/'";
    }
    if (!valid_label_value(value)) {
      return "labels: the value of '" + key + "' wants letters, digits, '-', '.' and '_', at most 63";
    }
  }
  return std::nullopt;
}

const Host* find_host(const Model& model, const std::string& name_or_id) {
  const Host* found = find_by_name(model.hosts, name_or_id);
  if (const auto id = HostId::parse(name_or_id); id && found == nullptr) {
    const auto by_id = model.hosts.find(*id);
    if (by_id != model.hosts.end()) found = &by_id->second;
  }
  return found;
}

Reply no_host(const std::string& name_or_id) {
  return refuse(Errc::not_found, "there is no host '" + printable(name_or_id, 64) + "'");
}

// All windows that are asked for, or why not. What is over is left out.
Result<std::vector<BusyWindow>> busy_after(const Host& host, const UpdateHost& request, TimePoint now) {
  auto windows = request.busy.value_or(host.busy);
  windows.insert(windows.end(), request.more_busy.begin(), request.more_busy.end());
  for (const BusyWindow& window : windows) {
    if (window.from < now - kFarthestTime || window.until > now + kFarthestTime) {
      return Error{Errc::invalid_argument, "busy: a window begins or ends more than 100 years from now"};
    }
    if (window.from < window.until) continue;
    return Error{Errc::invalid_argument, "busy: a window ends after it begins, unlike the one from " +
                                             to_rfc3339(window.from) + " until " + to_rfc3339(window.until)};
  }
  auto left = merged(not_over(windows, now));
  if (left.size() <= kMaxBusyWindows) return left;
  return Error{Errc::invalid_argument, "busy: " + std::to_string(left.size()) + " windows are more than the " +
                                           std::to_string(kMaxBusyWindows) + " that one host may have"};
}

// Windows bind what is placed from now on. Whose nodes are there in one of them already is for the operator to know.
std::string busy_text(const Model& model, const Host& host, TimePoint now) {
  if (host.busy.empty()) return "host " + host.name + " has no busy times any more";
  std::string text = "host " + host.name + " is busy from " + to_rfc3339(host.busy.front().from) + " until " +
                     to_rfc3339(host.busy.front().until);
  if (host.busy.size() > 1) text += ", and " + std::to_string(host.busy.size() - 1) + " more times";
  std::set<std::string> there;
  for (const auto& [id, node] : model.nodes) {
    const auto cluster = model.clusters.find(node.cluster);
    if (node.host != host.id || cluster == model.clusters.end()) continue;
    if (meets(host.busy, now, cluster->second.until) != nullptr) there.insert(cluster->second.name);
  }
  if (!there.empty()) text += "; not moved away for it:";
  for (const std::string& name : there) text += " " + name;
  return text;
}

constexpr const char* kOvercommitFault = "vcpu_overcommit_percent: 100 to 6400";

bool overcommit_valid(const std::optional<std::int64_t>& percent) {
  return !percent || (*percent >= kMinOvercommitPercent && *percent <= kMaxOvercommitPercent);
}

// Nodes that are there stay, also when they have more vCPUs than the host has any longer.
std::string overcommit_text(const Model& model, const Host& host) {
  return "host " + host.name + " has " + std::to_string(vcpus_of(host, host.capacity.vcpus, model.settings)) + " vCPUs on " +
         std::to_string(host.capacity.vcpus) + " CPUs now";
}

// Where it stands is known to all hosts of the clusters that have a node on it.
void touch_neighbours(Deciding& deciding, const HostId& host) {
  std::set<ClusterId> clusters;
  for (const Node* node : deciding.index().nodes_on(host)) clusters.insert(node->cluster);
  for (const ClusterId& cluster : clusters) touch_members(deciding, cluster);
}

// What was to come of the node comes no more.
void fail_operation_of(Deciding& deciding, const Node& node, const std::string& why) {
  const auto found = deciding.model.clusters.find(node.cluster);
  if (found == deciding.model.clusters.end() || !found->second.operation || !outstanding(node)) return;
  Cluster cluster = found->second;
  finish_operation(deciding, *cluster.operation, OperationState::failed,
                   why + ": 'dure cluster repair " + cluster.name + "' makes what is missing");
  cluster.operation.reset();
  deciding.put(cluster);
}

// Everything that was on the PC is gone for its clusters. What it may still have is what it owes: it is told that, should it
// ever come back.
void end_incarnation(Deciding& deciding, const Host& host) {
  std::vector<Node> nodes;
  for (const Node* node : deciding.index().nodes_on(host.id)) nodes.push_back(*node);
  for (const Node& node : nodes) {
    if (node.state == NodeState::deleting) continue;
    const std::string text = node.name + " was on " + host.name + ", which is given up";
    deciding.event("node.lost", node.id.uuid, node.name, text);
    fail_operation_of(deciding, node, text);
    take_out(deciding, node);
  }
  owe_all(deciding, host.id);
  deciding.model.heard.erase(host.id);
}

// The debts of one host are those of the one that takes its place: it may be the same PC.
void move_removals(Deciding& deciding, const HostId& from, const HostId& to) {
  const auto found = deciding.model.removals.find(from);
  if (found == deciding.model.removals.end()) return;
  auto removals = planted(Bug::debts_forgotten) ? std::vector<Removal>{} : found->second;
  for (Removal& removal : removals) {
    removal.host = to;
    removal.ordered_at = deciding.next_generation(to);
  }
  if (from != to) deciding.put(PutRemovals{from, {}});
  deciding.put(PutRemovals{to, std::move(removals)});
}

}  // namespace

Reply add_host(Deciding& deciding, const AddHost& request) {
  const Model& model = deciding.model;
  if (!valid_name(request.name)) return bad_name();
  if (request.id.is_nil()) return refuse(Errc::invalid_argument, "id: must not be nil");
  if (const auto fault = address_fault(model.settings, request.address)) return refuse(Errc::invalid_argument, *fault);
  if (!valid_curve_key(request.curve_key)) {
    return refuse(Errc::invalid_argument, "curve_key: 40 characters of Z85");
  }
  if (!amounts_valid(request.capacity, request.reserve)) {
    return refuse(Errc::invalid_argument,
                  "capacity: each amount must be above its reserve, and no reserve negative");
  }
  if (const auto fault = place_fault(request.room, request.labels)) return refuse(Errc::invalid_argument, *fault);
  if (!overcommit_valid(request.vcpu_overcommit_percent)) return refuse(Errc::invalid_argument, kOvercommitFault);
  const Site* site = find_by_name(model.sites, request.site);
  if (site == nullptr) {
    return refuse(Errc::not_found, "there is no site '" + printable(request.site, 64) + "'");
  }
  Host host;
  host.id = request.id;
  host.name = request.name;
  host.site = site->id;
  host.address = request.address;
  host.curve_key = request.curve_key;
  host.host_class = request.host_class;
  host.capacity = request.capacity;
  host.reserve = request.reserve;
  host.room = request.room;
  host.labels = request.labels;
  host.vcpu_overcommit_percent = request.vcpu_overcommit_percent;
  if (const auto found = model.hosts.find(host.id); found != model.hosts.end()) {
    // What the operator did not give is no difference.
    host.cordoned = found->second.cordoned;
    host.busy = found->second.busy;
    if (!host.vcpu_overcommit_percent) host.vcpu_overcommit_percent = found->second.vcpu_overcommit_percent;
    host.generation = found->second.generation;
    host.order = found->second.order;
    if (host == found->second) return accepted(host.id.uuid, host.name);
  }
  if (const auto conflict = conflict_of(model, host, {})) {
    return refuse(Errc::already_exists, *conflict);
  }
  deciding.put(host);
  deciding.event("host.created", host.id.uuid, host.name,
                 "host " + host.name + " is created at site " + site->name);
  return accepted(host.id.uuid, host.name);
}

Reply update_host(Deciding& deciding, const UpdateHost& request) {
  const Host* found = find_host(deciding.model, request.host);
  if (found == nullptr) return no_host(request.host);
  Host host = *found;
  if (request.room) host.room = *request.room;
  for (const auto& [key, value] : request.labels) {
    if (value) {
      host.labels[key] = *value;
    } else {
      host.labels.erase(key);
    }
  }
  if (const auto fault = place_fault(host.room, host.labels)) return refuse(Errc::invalid_argument, *fault);
  if (request.busy || !request.more_busy.empty()) {
    auto busy = busy_after(host, request, deciding.now);
    if (!busy) return Refused{busy.error(), {}};
    host.busy = std::move(*busy);
  }
  if (request.vcpu_overcommit_percent) host.vcpu_overcommit_percent = *request.vcpu_overcommit_percent;
  if (!overcommit_valid(host.vcpu_overcommit_percent)) return refuse(Errc::invalid_argument, kOvercommitFault);
  if (request.address && *request.address != host.address) {
    host.address = *request.address;
    if (const auto fault = address_fault(deciding.model.settings, host.address)) return refuse(Errc::invalid_argument, *fault);
    if (const auto conflict = conflict_of(deciding.model, host, host.id)) return refuse(Errc::already_exists, *conflict);
  }
  const bool other_address = host.address != found->address;
  const bool other_overcommit = host.vcpu_overcommit_percent != found->vcpu_overcommit_percent;
  const bool other_times = host.busy != found->busy;
  const bool other_place = host.room != found->room || host.labels != found->labels;
  if (!other_times && !other_place && !other_overcommit && !other_address) return accepted(host.id.uuid, host.name);
  deciding.put(host);
  if (other_address) {
    deciding.event("host.updated", host.id.uuid, host.name, "host " + host.name + " has the address " + host.address.str());
    touch_neighbours(deciding, host.id);
  }
  if (other_place) {
    deciding.event("host.updated", host.id.uuid, host.name, "room or labels of host " + host.name + " have changed");
  }
  if (other_overcommit) {
    deciding.event("host.updated", host.id.uuid, host.name, overcommit_text(deciding.model, host));
  }
  if (other_times) {
    deciding.event("host.busy", host.id.uuid, host.name, busy_text(deciding.model, host, deciding.now));
  }
  return accepted(host.id.uuid, host.name);
}

Reply cordon_host(Deciding& deciding, const CordonHost& request) {
  const Host* found = find_host(deciding.model, request.host);
  if (found == nullptr) return no_host(request.host);
  Host host = *found;
  if (host.cordoned != request.cordoned) {
    host.cordoned = request.cordoned;
    deciding.put(host);
    const std::string what = request.cordoned ? "cordoned" : "uncordoned";
    deciding.event("host." + what, host.id.uuid, host.name, "host " + host.name + " is " + what);
  }
  return accepted(host.id.uuid, host.name);
}

Reply lose_host(Deciding& deciding, const LoseHost& request) {
  const Host* found = find_host(deciding.model, request.host);
  if (found == nullptr) return no_host(request.host);
  Host host = *found;
  if (host.lost_at) return accepted(host.id.uuid, host.name);
  const auto nodes = deciding.index().nodes_on(host.id).size();
  if (!request.force && heard(deciding.model, host.id) && !silent(deciding.model, host.id, deciding.steady)) {
    return refuse(Errc::conflict, "host '" + host.name + "' reports, and has " + std::to_string(nodes) +
                                      " nodes: they would be gone for their clusters at once. 'dure host cordon' keeps new ones "
                                      "away; --force gives it up all the same");
  }
  host.lost_at = deciding.now;
  deciding.put(host);
  deciding.event("host.lost", host.id.uuid, host.name,
                 "host " + host.name + " is given up, with " + std::to_string(nodes) + " nodes on it: its key is not admitted any more");
  end_incarnation(deciding, host);
  return accepted(host.id.uuid, host.name);
}

Reply replace_host(Deciding& deciding, const ReplaceHost& request) {
  const Host* found = find_host(deciding.model, request.host);
  if (found == nullptr) return no_host(request.host);
  const Host before = *found;
  Host host = before;
  host.id = request.id;
  host.curve_key = request.curve_key;
  host.address = request.address.value_or(before.address);
  host.lost_at.reset();
  if (host == before) return accepted(host.id.uuid, host.name);
  if (host.id.is_nil()) return refuse(Errc::invalid_argument, "id: must not be nil");
  if (!valid_curve_key(host.curve_key)) return refuse(Errc::invalid_argument, "curve_key: 40 characters of Z85");
  if (const auto fault = address_fault(deciding.model.settings, host.address)) return refuse(Errc::invalid_argument, *fault);
  if (const auto conflict = conflict_of(deciding.model, host, before.id)) return refuse(Errc::already_exists, *conflict);
  end_incarnation(deciding, before);
  host.order.reset();
  deciding.put(host);
  move_removals(deciding, before.id, host.id);
  if (host.id != before.id) deciding.put(DropHost{before.id});
  deciding.touch(host.id);
  deciding.event("host.replaced", host.id.uuid, host.name, "another PC is host " + host.name + " now");
  return accepted(host.id.uuid, host.name);
}

}  // namespace dure::control
