#pragma once

#include <cstdint>
#include <string>
#include <utility>
#include <variant>
#include <vector>

#include "common/uuid.h"
#include "controlnode/core/decide.h"
#include "controlnode/core/host_orders.h"
#include "controlnode/core/kept.h"
#include "controlnode/core/lead.h"

namespace dure::control::test {

// An id that is easy to read in a failing test: kind in front, number at the end.
template <class IdType>
IdType numbered(std::uint8_t kind, std::uint32_t number) {
  IdType id;
  id.uuid.bytes[0] = kind;
  id.uuid.bytes[6] = 0x40;
  id.uuid.bytes[8] = 0x80;
  for (std::size_t i = 0; i < 4; ++i) {
    id.uuid.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  }
  return id;
}

inline constexpr TimePoint kStart{1'700'000'000'000'000};
inline TimePoint seconds_in(std::int64_t seconds) {
  return kStart + Duration{seconds * 1'000'000};
}

// The instant, of a clock that nobody sets: where a test does not say otherwise, both count alike.
inline SteadyPoint steady(TimePoint date) { return {date.us}; }
inline Now at(TimePoint date) { return {date, steady(date)}; }

// Another process of the control node takes the lead with what is stored.
inline void take_the_lead(Model& model, SteadyPoint now) {
  model.lead_since = {};
  model.next_sweep = {};
  model.told_date = DateDoubt::none;
  model.round_trips.clear();
  // What is stored of a host is as old as its last difference.
  for (auto& [id, seen] : model.observations) seen.sequence = 0;
  begin_lead(model, Model{}, now);
  ++model.fence.epoch;
}

// Small models, and a decider around them: requests and reports in, decisions out.
//
//   Campus campus;
//   campus.site("east");
//   campus.host("pc-1", "east");      // 16 vCPU, 8 GiB memory, 100 GiB disk; has reported
//   campus.catalog();                 // flavor "small" (1, 1024, 10), image, key pair
//   campus.create("demo", 1, 2);
class Campus {
 public:
  Campus() : ids({1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16}) {
    model.system = numbered<SystemId>(0x51, 1);
    model.fence = {1, 1};
    model.lead_since = steady(kStart);
  }

  SiteId site(const std::string& name, std::uint16_t mtu = 1500) {
    const Site row{numbered<SiteId>(0x5e, ++numbers_), name, mtu};
    model.sites[row.id] = row;
    return row.id;
  }

  HostId host(const std::string& name, const std::string& site_name, Resources capacity = kCapacity,
              HostClass host_class = HostClass::scavenged, bool reported = true) {
    Host row;
    row.id = numbered<HostId>(0xa0, ++numbers_);
    row.name = name;
    for (const auto& [id, site_row] : model.sites) {
      if (site_row.name == site_name) row.site = id;
    }
    row.address = Ipv4{0x0a000000 + numbers_};
    row.curve_key = std::string(40, static_cast<char>('a' + numbers_ % 26));
    row.host_class = host_class;
    row.capacity = capacity;
    model.hosts[row.id] = row;
    if (reported) report(row.id);
    return row.id;
  }

  void catalog(Resources flavor = {1, 1024, 10}) {
    const ProjectId project = numbered<ProjectId>(0x60, ++numbers_);
    model.projects[project] = {project, "default"};
    const Flavor small{numbered<FlavorId>(0xf1, ++numbers_), "small",
                       static_cast<std::uint32_t>(flavor.vcpus),
                       static_cast<std::uint32_t>(flavor.memory_mib),
                       static_cast<std::uint32_t>(flavor.disk_gib)};
    model.flavors[small.id] = small;
    Image image;
    image.id = numbered<ImageId>(0x1a, ++numbers_);
    image.name = "debian-13";
    image.disk.size_bytes = 1'000'000;
    image.min_disk_gib = 5;
    model.images[image.id] = image;
    image.id = numbered<ImageId>(0x1a, ++numbers_);
    image.name = "kubernetes";
    image.kubernetes = "v1.32.13";
    model.images[image.id] = image;
    const KeyPair key{numbered<KeyPairId>(0x4e, ++numbers_), project, "me",
                      "ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICC3JNd5wIe53ZLHWjKGoimatNU7dIl9eP9h/oZELaXl me"};
    model.key_pairs[key.id] = key;
  }

  Decision decide_all(const std::vector<Event>& events) {
    last = kept == nullptr ? decide(model, events, at(now), ids) : decide(model, events, at(now), ids, *kept);
    for (const Change& change : last.changes) {
      const auto* put = std::get_if<PutOrder>(&change);
      if (put != nullptr) orders[put->host] = host_order(model, put->host, now);
    }
    return last;
  }

  Reply ask(Request request) {
    return decide_all({RequestEvent{1, std::move(request)}}).replies.at(0).reply;
  }

  CreateCluster create_request(const std::string& name, std::uint32_t planes,
                               std::uint32_t workers) const {
    CreateCluster request;
    request.name = name;
    request.control_planes = planes;
    request.workers = workers;
    request.flavor = "small";
    request.image = "debian-13";
    request.key_pair = "me";
    return request;
  }
  Reply create(const std::string& name, std::uint32_t planes, std::uint32_t workers) {
    return ask(create_request(name, planes, workers));
  }
  Reply scale(const std::string& name, std::uint32_t workers) {
    ScaleCluster request;
    request.cluster = name;
    request.workers = workers;
    return ask(request);
  }
  Reply remove(const std::string& name) {
    DeleteCluster request;
    request.cluster = name;
    return ask(request);
  }

  bool runs_kubernetes(const VmSpec& vm) const {
    const auto found = model.images.find(vm.image);
    return found != model.images.end() && !found->second.kubernetes.empty();
  }

  // What an agent says that has done all of its newest order, with its VMs at this stage: 0 started,
  // 1 booted, ... 4 ready.
  HostReport report_of(const HostId& id, int stages = 4) {
    static constexpr const char* kStages[] = {"booted", "network", "configured", "ready"};
    HostReport report = idle_report(id);
    const auto found = orders.find(id);
    if (found == orders.end()) return report;
    const HostOrder& order = found->second;
    report.accepted_generation = report.applied_generation = order.generation;
    for (const VmSpec& vm : order.vms) {
      VmReport seen;
      seen.id = vm.id;
      seen.generation = vm.generation;
      seen.order = order.order;
      seen.restart = vm.restart;
      seen.state = vm.off ? VmState::stopped : VmState::running;
      for (int i = 0; i < stages; ++i) {
        if (i == 3 && runs_kubernetes(vm)) {
          seen.stages.push_back({"containerd", 3500});
          seen.stages.push_back({vm.name.ends_with("-cp1") ? "init" : "join", 3600});
        }
        seen.stages.push_back({kStages[i], static_cast<std::uint64_t>(1000 * (i + 1))});
      }
      if (vm.off) seen.stages.clear();
      if (!seen.stages.empty()) seen.boot = boot_of(vm.id, vm.restart);
      report.vms.push_back(std::move(seen));
    }
    for (const NetworkSpec& network : order.networks) {
      report.networks.push_back({network.id, network.vni});
    }
    for (const ImageSpec& image : order.images) report.images.push_back({image.id, true, 1, 1});
    return report;
  }

  // What a guest calls its boot.
  static Uuid boot_of(const NodeId& vm, std::uint64_t which = 0) {
    Uuid boot = vm.uuid;
    boot.bytes[1] = static_cast<std::uint8_t>(which + 1);
    return boot;
  }

  // An agent that runs nothing and has accepted nothing.
  HostReport idle_report(const HostId& id) {
    HostReport report;
    report.system = model.system;
    report.host = id;
    report.session = numbered<SessionId>(0x5e, 1);
    report.sequence = ++sequence_;
    report.capacity.hardware_virtualisation = true;
    report.observed = true;
    report.clock = now;
    return report;
  }

  Decision report(const HostId& id, int stages = 4) { return tell(report_of(id, stages)); }
  Decision tell(const HostReport& report) { return decide_all({ReportEvent{report.host, report}}); }
  void report_all(int stages = 4) {
    for (const auto& [id, row] : std::map<HostId, Host>(model.hosts)) report(id, stages);
  }
  Decision tick() { return decide_all({TickEvent{}}); }

  const Cluster* cluster(const std::string& name) const {
    for (const auto& [id, row] : model.clusters) {
      if (row.name == name) return &row;
    }
    return nullptr;
  }
  const Node* node(const std::string& name) const {
    for (const auto& [id, row] : model.nodes) {
      if (row.name == name) return &row;
    }
    return nullptr;
  }
  const Operation& operation(const Reply& reply) const {
    return model.operations.at(*std::get<Accepted>(reply).operation);
  }

  static constexpr Resources kCapacity{16, 8192, 100};

  Model model;
  IdStream ids;
  TimePoint now = kStart;
  Decision last;
  Kept* kept = nullptr;                // for who leaves the model to the decisions
  std::map<HostId, HostOrder> orders;  // the newest of each host, as the outbox holds it

 private:
  std::uint32_t numbers_ = 0;
  std::uint64_t sequence_ = 0;
};

inline bool accepted(const Reply& reply) { return std::holds_alternative<Accepted>(reply); }
// Nothing but that a decision was made: a refusal.
inline bool only_recorded(const Decision& decision) {
  if (decision.changes.size() != 1) return false;
  const auto* put = std::get_if<PutPlacementRecord>(&decision.changes.front());
  return put != nullptr && put->record.refused();
}
inline const Refused& refused(const Reply& reply) { return std::get<Refused>(reply); }

}  // namespace dure::control::test
