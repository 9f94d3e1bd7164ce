#include "controlnode/core/decide_catalog.h"

#include <set>
#include <utility>

#include "common/text.h"
#include "controlnode/core/busy_windows.h"
#include "controlnode/core/cluster_parts.h"
#include "controlnode/core/grammar.h"
#include "controlnode/core/placement/fleet.h"

namespace dure::control {
namespace {

constexpr std::uint16_t kMinUnderlayMtu = 1330;  // leaves a guest the 1280 of IPv6
constexpr std::uint16_t kMaxUnderlayMtu = 9216;
constexpr std::int64_t kMaxAmount = 1'000'000'000;
constexpr std::uint32_t kMaxVcpus = 512;
constexpr std::uint32_t kMaxMemoryMib = 16U << 20;
constexpr std::uint32_t kMaxDiskGib = 1U << 16;
constexpr std::uint64_t kMaxBlobBytes = std::uint64_t{1} << 44;
constexpr std::size_t kMaxCmdline = 2048;

Accepted accepted(const Uuid& id, const std::string& name) {
  Accepted reply;
  reply.object = id;
  reply.name = name;
  return reply;
}

Reply taken(const std::string& kind, const std::string& name) {
  return refuse(Errc::already_exists, kind + " '" + name + "' exists already, with other content");
}

Reply bad_name() {
  return refuse(Errc::invalid_argument,
                "name: a-z, 0-9 and '-', beginning with a letter and not ending with '-'");
}

// The common end of every creation: the same again, a conflict, or a new row.
template <class Row, class Rows>
Reply store(Deciding& deciding, const std::string& kind, const Rows& rows, Row row) {
  if (const auto* existing = find_by_name(rows, row.name)) {
    row.id = existing->id;
    return row == *existing ? Reply{accepted(row.id.uuid, row.name)} : taken(kind, row.name);
  }
  row.id.uuid = deciding.ids.next();
  deciding.put(row);
  deciding.event(kind + ".created", row.id.uuid, row.name, kind + " " + row.name + " is created");
  return accepted(row.id.uuid, row.name);
}

bool amounts_valid(const Resources& capacity, const Resources& reserve) {
  const auto valid = [](std::int64_t total, std::int64_t kept) {
    return kept >= 0 && total > kept && total <= kMaxAmount;
  };
  return valid(capacity.vcpus, reserve.vcpus) && valid(capacity.memory_mib, reserve.memory_mib) &&
         valid(capacity.disk_gib, reserve.disk_gib);
}

std::optional<std::string> host_conflict(const Model& model, const AddHost& request) {
  for (const auto& [id, host] : model.hosts) {
    if (id == request.id) return "the id belongs to host '" + host.name + "'";
    if (host.name == request.name) return "host '" + host.name + "' exists already";
    if (host.address == request.address) return "the address belongs to host '" + host.name + "'";
    if (host.curve_key == request.curve_key) return "the key belongs to host '" + host.name + "'";
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
  return "host " + host.name + " has " + std::to_string(vcpus_of(host, model.settings)) + " vCPUs on " +
         std::to_string(host.capacity.vcpus) + " CPUs now";
}

std::optional<std::string> image_fault(const CreateImage& request) {
  if (request.disk.size_bytes == 0) return "disk: is empty";
  for (const BlobRef& blob : {request.disk, request.kernel, request.initrd}) {
    if (blob.size_bytes > kMaxBlobBytes) return "a file of an image is larger than 16 TiB";
  }
  const bool kernel = request.kernel.size_bytes > 0;
  if (!kernel && (request.initrd.size_bytes > 0 || !request.cmdline.empty())) {
    return "initrd and cmdline: only together with a kernel";
  }
  if (!request.cmdline.empty() && !printable_ascii(request.cmdline, kMaxCmdline)) {
    return "cmdline: at most 2048 printable ASCII characters";
  }
  if (request.min_disk_gib > kMaxDiskGib) return "min_disk_gib: at most 65536";
  if (!request.kubernetes.empty() && !valid_kubernetes_version(request.kubernetes)) {
    return "kubernetes: a version such as v1.32.13, from v1.32 on";
  }
  return std::nullopt;
}

}  // namespace

Reply create_site(Deciding& deciding, const CreateSite& request) {
  if (!valid_name(request.name)) return bad_name();
  if (request.underlay_mtu < kMinUnderlayMtu || request.underlay_mtu > kMaxUnderlayMtu) {
    return refuse(Errc::invalid_argument, "underlay_mtu: 1330 to 9216");
  }
  return store(deciding, "site", deciding.model.sites,
               Site{{}, request.name, request.underlay_mtu});
}

Reply add_host(Deciding& deciding, const AddHost& request) {
  const Model& model = deciding.model;
  if (!valid_name(request.name)) return bad_name();
  if (request.id.is_nil()) return refuse(Errc::invalid_argument, "id: must not be nil");
  if (!is_round_trip_target(request.address)) {
    return refuse(Errc::invalid_argument, "address: must be the one by which other hosts reach this one, not " + request.address.str());
  }
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
  if (const auto conflict = host_conflict(model, request)) {
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
  const bool other_overcommit = host.vcpu_overcommit_percent != found->vcpu_overcommit_percent;
  const bool other_times = host.busy != found->busy;
  const bool other_place = host.room != found->room || host.labels != found->labels;
  if (!other_times && !other_place && !other_overcommit) return accepted(host.id.uuid, host.name);
  deciding.put(host);
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

Reply create_flavor(Deciding& deciding, const CreateFlavor& request) {
  if (!valid_catalog_name(request.name)) return bad_name();
  const auto within = [](std::uint32_t value, std::uint32_t max) {
    return value >= 1 && value <= max;
  };
  if (!within(request.vcpus, kMaxVcpus) || !within(request.memory_mib, kMaxMemoryMib) ||
      !within(request.disk_gib, kMaxDiskGib)) {
    return refuse(Errc::invalid_argument,
                  "vcpus: 1 to 512; memory_mib: 1 to 16777216; disk_gib: 1 to 65536");
  }
  return store(deciding, "flavor", deciding.model.flavors,
               Flavor{{}, request.name, request.vcpus, request.memory_mib, request.disk_gib});
}

Reply create_image(Deciding& deciding, const CreateImage& request) {
  if (!valid_catalog_name(request.name)) return bad_name();
  if (const auto fault = image_fault(request)) return refuse(Errc::invalid_argument, *fault);
  return store(deciding, "image", deciding.model.images,
               Image{{}, request.name, request.disk, request.kernel, request.initrd,
                     request.cmdline, request.min_disk_gib, request.kubernetes});
}

Reply create_key_pair(Deciding& deciding, const CreateKeyPair& request) {
  if (!valid_name(request.name)) return bad_name();
  if (!is_ssh_public_key(request.public_key)) {
    return refuse(Errc::invalid_argument,
                  "public_key: must be one line of OpenSSH form, complete and at most 8 KiB, such as 'ssh-ed25519 AAAA... me'; "
                  "its comment must not hold control characters or marks of direction");
  }
  const Project* project = find_by_name(deciding.model.projects, request.project);
  KeyPair row{{}, {}, request.name, request.public_key};
  if (project != nullptr) {
    row.project = project->id;
  } else if (request.project == "default") {
    const Project fresh{deciding.ids.make<ProjectId>(), request.project};
    deciding.put(fresh);
    row.project = fresh.id;
  } else {
    return refuse(Errc::not_found,
                  "there is no project '" + printable(request.project, 64) + "'");
  }
  std::map<KeyPairId, KeyPair> in_project;
  for (const auto& [id, existing] : deciding.model.key_pairs) {
    if (existing.project == row.project) in_project.emplace(id, existing);
  }
  return store(deciding, "keypair", in_project, std::move(row));
}

}  // namespace dure::control
