#include "controlnode/cli/kinds.h"

#include <algorithm>
#include <array>
#include <boost/json.hpp>
#include <cstdio>
#include <utility>

#include "controlnode/cli/layout.h"

namespace dure::cli {
namespace {

namespace json = boost::json;
using Object = json::object;

const json::value* find(const Object& object, std::string_view path) {
  const Object* at = &object;
  for (;;) {
    const auto dot = path.find('.');
    const auto* value = at->if_contains(path.substr(0, dot));
    if (value == nullptr || dot == std::string_view::npos) return value;
    at = value->if_object();
    if (at == nullptr) return nullptr;
    path.remove_prefix(dot + 1);
  }
}

std::string text_at(const Object& object, std::string_view path) {
  const auto* value = find(object, path);
  return value == nullptr ? std::string() : plain(*value);
}

Column of(std::string title, std::string path, bool wide = false) {
  return {std::move(title), wide, [path = std::move(path)](const Object& object, TimePoint) {
            return text_at(object, path);
          }};
}

// Two members as "2/3".
Column pair_of(std::string title, std::string part, std::string whole, bool wide = false) {
  return {std::move(title), wide,
          [part = std::move(part), whole = std::move(whole)](const Object& object, TimePoint) {
            const auto left = text_at(object, part);
            const auto right = text_at(object, whole);
            return left.empty() && right.empty() ? std::string() : left + "/" + right;
          }};
}

// What is held, with its limit where there is one: "8/32".
Column held(std::string title, const std::string& part) {
  return {std::move(title), false,
          [usage = "usage." + part, quota = "quota." + part](const Object& object, TimePoint) {
            const auto limit = text_at(object, quota);
            return text_at(object, usage) + (limit.empty() ? "" : "/" + limit);
          }};
}

Column age(std::string title, std::string member) {
  return {std::move(title), false, [member = std::move(member)](const Object& object, TimePoint now) {
            const auto at = parse_rfc3339(text_at(object, member));
            return at ? human_duration(now - *at) : std::string();
          }};
}

Column bytes_of(std::string title, std::string path) {
  return {std::move(title), false, [path = std::move(path)](const Object& object, TimePoint) {
            const auto* value = find(object, path);
            json::error_code error;
            const auto bytes = value == nullptr ? 0 : value->to_number<std::uint64_t>(error);
            return value == nullptr || error ? std::string() : human_bytes(bytes);
          }};
}

// The first words of an OpenSSH key, without the key itself.
std::string key_type(const Object& object, TimePoint) {
  const auto key = text_at(object, "public_key");
  return key.substr(0, key.find(' '));
}

// The step that an operation is at.
std::string current_step(const Object& object, TimePoint) {
  const auto* steps = find(object, "steps");
  if (steps == nullptr || !steps->is_array()) return {};
  for (const auto& item : steps->get_array()) {
    const auto* step = item.if_object();
    if (step == nullptr || text_at(*step, "state") == "done") continue;
    return text_at(*step, "name") + " " + text_at(*step, "done") + "/" + text_at(*step, "total");
  }
  return {};
}

// "east 3.9 ms, west -" of the round trips to the other sites.
std::string round_trips(const Object& object, TimePoint) {
  const auto* others = find(object, "round_trips");
  if (others == nullptr || !others->is_array()) return {};
  std::string text;
  for (const auto& item : others->get_array()) {
    const auto* other = item.if_object();
    if (other == nullptr) continue;
    const auto* value = find(*other, "round_trip_us");
    json::error_code error;
    const double milliseconds = value == nullptr ? 0 : value->to_number<double>(error) / 1000.0;
    std::array<char, 32> number{};
    std::snprintf(number.data(), number.size(), "%.1f ms", milliseconds);
    text += (text.empty() ? "" : ", ") + text_at(*other, "site") + " ";
    text += value == nullptr || error ? "-" : number.data();
  }
  return text;
}

// "2026-03-02T09:00:00.000Z/2026-03-02T18:00:00.000Z, ..." of a host's busy times.
std::string busy_times(const Object& object, TimePoint) {
  const auto* windows = find(object, "busy");
  if (windows == nullptr || !windows->is_array()) return {};
  std::string text;
  for (const auto& item : windows->get_array()) {
    const auto* window = item.if_object();
    if (window != nullptr) text += (text.empty() ? "" : ", ") + text_at(*window, "from") + "/" + text_at(*window, "until");
  }
  return text;
}

// "room 301,302 gpu=none anchor" of the rules for a pool's hosts.
std::string rules_text(const Object& cluster, const std::string& pool) {
  std::string text;
  const auto add = [&](const std::string& prefix, const std::string& words) {
    if (!words.empty()) text += (text.empty() ? "" : " ") + prefix + words;
  };
  add("room ", text_at(cluster, pool + ".rooms"));
  add("", text_at(cluster, pool + ".labels"));
  add("", text_at(cluster, pool + ".classes"));
  return text;
}

Column rules_of(std::string title, std::string pool) {
  return {std::move(title), true,
          [pool = std::move(pool)](const Object& cluster, TimePoint) { return rules_text(cluster, pool); }};
}

Kind host_kind() {
  return {"host", "hosts", "name",
          {of("NAME", "name"), of("SITE", "site"), of("STATE", "state"), of("CLASS", "class"),
           pair_of("VCPUS", "claimed.vcpus", "allocatable.vcpus"),
           pair_of("MEMORY-MIB", "claimed.memory_mib", "allocatable.memory_mib"),
           pair_of("DISK-GIB", "claimed.disk_gib", "allocatable.disk_gib"), of("NODES", "nodes"), of("REASON", "reason"),
           of("ROOM", "room", true), of("CPUS", "capacity.vcpus", true), {"BUSY", true, &busy_times}, of("ADDRESS", "address", true), of("VIRT", "virtualisation", true),
           pair_of("GENERATION", "applied_generation", "generation", true),
           of("AGENT", "agent_version", true), of("SEEN-AT", "seen_at", true),
           of("ID", "id", true)}};
}

Kind cluster_kind() {
  return {"cluster", "clusters", "name",
          {of("NAME", "name"), of("STATE", "state"), age("FOR", "since"), pair_of("READY", "nodes_ready", "nodes"),
           of("CONTROL-PLANES", "control_planes"), of("WORKERS", "workers"),
           of("FLAVOR", "flavor"), of("IMAGE", "image"), of("SITES", "sites"),
           age("AGE", "created_at"), of("PROJECT", "project", true),
           of("KEYPAIR", "key_pair", true), of("PREFIX", "network.prefix", true),
           of("VNI", "network.vni", true), of("MTU", "network.mtu", true),
           of("KUBERNETES", "kubernetes.version", true), of("CNI", "kubernetes.cni", true),
           of("PODS", "kubernetes.pods", true), of("UNTIL", "until", true), of("DELETE-AT", "delete_at", true),
           of("STRATEGY", "strategy", true), of("APART", "apart", true), of("SURVIVE", "survive", true),
           rules_of("CONTROL-PLANE-HOSTS", "control_plane_rules"), rules_of("WORKER-HOSTS", "worker_rules"),
           of("OPERATION", "operation", true), of("REASON", "reason", true),
           of("ID", "id", true)}};
}

// Of a credential: whether it still opens the door.
std::string access_state(const Object& object, TimePoint now) {
  if (!text_at(object, "revoked_at").empty()) return "revoked";
  const auto expires = parse_rfc3339(text_at(object, "expires_at"));
  if (expires && *expires <= now) return "expired";
  return text_at(object, "active") == "no" ? "not yet known there" : "valid";
}

Kind node_kind() {
  return {"node", "nodes", "name",
          {of("NAME", "name"), of("CLUSTER", "cluster"), of("ROLE", "role"), of("STATE", "state"), age("FOR", "since"),
           of("HOST", "host"), of("SITE", "site"), of("ADDRESS", "address"),
           age("AGE", "created_at"), of("REASON", "reason"), of("PROJECT", "project", true), of("MAC", "mac", true), of("VM", "vm_state", true),
           of("POWER", "power", true),
           pair_of("GENERATION", "observed_generation", "generation", true),
           of("PODS", "pods", true), of("JOINED", "joined", true),
           of("READY-AT", "ready_at", true), of("ID", "id", true)}};
}

// "512 of 8192 MiB memory free, 1024 wanted", or the rule that it breaks.
std::string lack_text(const Object& lack) {
  if (const auto rule = text_at(lack, "detail"); !rule.empty()) return rule;
  const auto dimension = text_at(lack, "dimension");
  const std::string unit = dimension == "vcpus" ? " vCPU" : dimension == "memory" ? " MiB memory" : " GiB " + dimension;
  return text_at(lack, "free") + " of " + text_at(lack, "total") + unit + " free, " + text_at(lack, "wanted") + " wanted";
}

// What each of the lacks of a host is, by the node that it was asked for; or the nodes that it got.
std::string verdict_detail(const Object& object, TimePoint) {
  const auto nodes = text_at(object, "nodes");
  const auto* lacks = find(object, "lacks");
  if (!nodes.empty() || lacks == nullptr || !lacks->is_array()) return nodes;
  std::string text, node;
  for (const auto& item : lacks->get_array()) {
    const auto* lack = item.if_object();
    if (lack == nullptr) continue;
    const auto asked = text_at(*lack, "node");
    text += text.empty() ? "" : "; ";
    if (asked != node) text += "for " + asked + ": ";
    text += lack_text(*lack);
    node = asked;
  }
  return text;
}

std::string verdict_dimensions(const Object& object, TimePoint) {
  std::string text;
  const auto* lacks = find(object, "lacks");
  if (lacks == nullptr || !lacks->is_array()) return text;
  for (const auto& item : lacks->get_array()) {
    const auto* lack = item.if_object();
    if (lack != nullptr) text += (text.empty() ? "" : ",") + text_at(*lack, "dimension");
  }
  return text;
}

}  // namespace

const std::vector<Kind>& kinds() {
  static const std::vector<Kind> all{
      {"site", "sites", "name",
       {of("NAME", "name"), of("UNDERLAY-MTU", "underlay_mtu"), of("HOSTS", "hosts"),
        {"ROUND-TRIPS", true, &round_trips}, of("ID", "id", true)}},
      host_kind(),
      {"image", "images", "name",
       {of("NAME", "name"), bytes_of("DISK", "disk.size_bytes"), of("MIN-DISK-GIB", "min_disk_gib"),
        bytes_of("KERNEL", "kernel.size_bytes"), of("SHA256", "disk.sha256", true),
        of("KUBERNETES", "kubernetes", true), of("CMDLINE", "cmdline", true), of("ID", "id", true)}},
      {"flavor", "flavors", "name",
       {of("NAME", "name"), of("VCPUS", "vcpus"), of("MEMORY-MIB", "memory_mib"),
        of("DISK-GIB", "disk_gib"), of("ID", "id", true)}},
      {"project", "projects", "name",
       {of("NAME", "name"), held("CLUSTERS", "clusters"), held("NODES", "nodes"), held("VCPUS", "vcpus"),
        held("MEMORY-MIB", "memory_mib"), held("DISK-GIB", "disk_gib"), of("ID", "id", true)}},
      {"keypair", "keypairs", "name",
       {of("NAME", "name"), of("PROJECT", "project"), {"TYPE", false, &key_type},
        of("PUBLIC-KEY", "public_key", true), of("ID", "id", true)}},
      cluster_kind(),
      node_kind(),
      {"operation", "operations", "id",
       {of("ID", "id"), of("KIND", "kind"), of("CLUSTER", "cluster"), of("STATE", "state"),
        {"STEP", false, &current_step}, age("AGE", "started_at"),
        of("FINISHED-AT", "finished_at", true), of("ERROR", "error", true), of("WARNING", "warning", true)}},
      {"event", "events", "number",
       {of("NUMBER", "number"), of("AT", "at"), of("KIND", "kind"), of("NAME", "name"),
        of("MESSAGE", "message"), of("SUBJECT", "subject", true)}},
  };
  return all;
}

const Kind& access_kind() {
  static const Kind access{"credential", "credentials", "user",
                           {of("USER", "user"), {"STATE", false, &access_state},
                            of("ISSUED-AT", "issued_at"), of("EXPIRES-AT", "expires_at"),
                            of("REVOKED-AT", "revoked_at", true), of("CLUSTER", "cluster", true),
                            of("ID", "id", true)}};
  return access;
}

const Kind& busy_kind() {
  static const Kind busy{"busy time", "busy times", "from", {of("FROM", "from"), of("UNTIL", "until")}};
  return busy;
}

const Kind& capacity_kind() {
  static const Kind capacity{"site's capacity", "capacity", "site",
                             {of("FROM", "from"), of("SITE", "site"), of("FLAVOR", "flavor"), of("FITS", "fits"),
                              of("HOSTS", "hosts")}};
  return capacity;
}

const Kind& move_kind() {
  static const Kind move{"move", "moves", "node", {of("NODE", "node"), of("FROM", "from"), of("TO", "to")}};
  return move;
}

const Kind& decision_kind() {
  static const Kind decision{"decision", "decisions", "number",
                             {of("NUMBER", "number"), of("AT", "at"), of("KIND", "kind"), of("CLUSTER", "cluster"),
                              of("NODES", "nodes"), of("OUTCOME", "outcome"), of("SUMMARY", "summary"),
                              of("CLUSTER-ID", "cluster_id", true)}};
  return decision;
}

const Kind& choice_kind() {
  static const Kind choice{"node", "nodes", "name",
                           {of("NODE", "name"), of("ROLE", "role"), of("HOST", "host"), of("SITE", "site"),
                            of("WHY", "why"), of("FITTING-HOSTS", "fitting_hosts", true)}};
  return choice;
}

const Kind& verdict_kind() {
  static const Kind verdict{"host", "hosts", "host",
                            {of("HOST", "host"), of("SITE", "site"), of("ROOM", "room"), of("VERDICT", "verdict"),
                             {"DETAIL", false, &verdict_detail}, {"DIMENSIONS", true, &verdict_dimensions}}};
  return verdict;
}

const Kind& kind(std::string_view noun) {
  const auto found = std::find_if(kinds().begin(), kinds().end(),
                                  [&](const Kind& one) { return one.noun == noun; });
  return *found;
}

}  // namespace dure::cli
