#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "controlnode/core/change.h"

// One row of every kind, that refer to each other as a campus' rows do.
namespace dure::control::contract {

template <class IdType>
IdType id(std::uint8_t kind, std::uint8_t number = 1) {
  IdType made;
  made.uuid.bytes = {kind, 0, 0, 0, 0, 0, 0x40, 0, 0x80, 0, 0, 0, 0, 0, 0, number};
  return made;
}

inline Ipv4 ip(const char* text) { return Ipv4::parse(text).value(); }
inline Digest digest(std::uint8_t fill) {
  Digest made;
  made.bytes.fill(fill);
  return made;
}

inline std::string every_octet() {
  std::string bytes;
  for (int octet = 0; octet < 256; ++octet) bytes.push_back(static_cast<char>(octet));
  return bytes;
}

struct Sample {
  Site site{id<SiteId>(1), "north", 1500};
  Host host{id<HostId>(2),
            "pc-1",
            site.id,
            ip("10.0.0.11"),
            std::string(40, 'a'),
            HostClass::anchor,
            {8, 16384, 200},
            {1, 4096, 50},
            false,
            7,
            id<OrderId>(3),
            "301",
            {{"gpu", "none"}},
            {{{1'800'000'000'000'001}, {1'800'000'900'000'002}}, {{1'800'001'000'000'000}, {1'800'002'000'000'000}}},
            150,
            TimePoint{1'700'000'700'000'001}};
  Image image{id<ImageId>(4), "debian-13", {digest(1), 1000}, {digest(2), 20}, {digest(3), 30},
              "root=/dev/vda1 quiet", 4, "v1.32.13"};
  Flavor flavor{id<FlavorId>(5), "small", 2, 2048, 10};
  Project project{id<ProjectId>(6), "lab", {1000, std::nullopt, 100'000, 5, 3}};
  KeyPair key_pair{id<KeyPairId>(7), project.id, "laptop", "ssh-ed25519 AAAA user@laptop"};
  Network network{id<NetworkId>(8), id<ClusterId>(10), 4097, *Ipv4Prefix::parse("10.128.0.0/24"),
                  ip("10.128.0.1"), {{2, 0xd0, 0, 0, 0, 1}}, 1450};
  Cluster cluster{id<ClusterId>(10),
                  project.id,
                  "demo",
                  ClusterState::scaling,
                  "two nodes are missing",
                  flavor.id,
                  image.id,
                  key_pair.id,
                  network.id,
                  {site.id, id<SiteId>(1, 9)},
                  3,
                  12,
                  id<OperationId>(11),
                  {1'700'000'000'000'001},
                  {"v1.32.13", Cni::none, *Ipv4Prefix::parse("10.64.0.0/12"), *Ipv4Prefix::parse("10.96.0.0/16")},
                  {Strategy::pack, true, Survive::room},
                  TimePoint{1'700'900'000'000'003},
                  {1, {{"301", "B-2"}, {"gpu=none", "x,\"y\\{}='"}, {HostClass::anchor, HostClass::scavenged}}},
                  {2, {{"302"}, {}, {HostClass::scavenged}}},
                  TimePoint{1'700'900'003'600'003},
                  {{"demo-w1", ip("10.128.0.12")}, {"demo-w2", ip("10.128.0.13")}},
                  8,
                  7,
                  TimePoint{1'700'000'000'000'011}};
  // All 256 octets, because what is encrypted has all of them.
  PutIdentity identity{cluster.id, every_octet()};
  ClusterAccess access{id<AccessId>(20), cluster.id, "dure:someone", {1'700'000'000'000'008},
                       {1'700'000'900'000'009}, TimePoint{1'700'000'500'000'000}, 7};
  Node node{id<NodeId>(9),
            cluster.id,
            "demo-cp1",
            Role::control_plane,
            host.id,
            2,
            {{2, 0, 0, 0, 0, 1}},
            ip("10.128.0.10"),
            NodeState::booting,
            "waits for sshd",
            VmState::running,
            2,
            {{"kernel", 900}, {"sshd", 4200}},
            SteadyPoint{1'700'000'900'000'000},
            {1'700'000'000'000'003},
            TimePoint{1'700'000'100'999'999},
            *Ipv4Prefix::parse("10.64.11.0/24"),
            true,
            true,
            Power::shut_down,
            3,
            Uuid{{7, 8}},
            true,
            Doubt::silent,
            TimePoint{1'700'000'000'000'012}};
  Claim claim{node.id, host.id, {2, 2048, 10}, project.id};
  PutRemovals removals{host.id,
                       {{host.id, ObjectKind::network, Uuid{{1, 2}}, 4099, 6, "demo", {1'700'000'300'000'001}, true},
                        {host.id, ObjectKind::vm, Uuid{{3, 4}}, 5, 7, "demo-w1", {1'700'000'300'000'002}, false}}};
  PutNextVni next_vni{4100};
  Operation operation{id<OperationId>(11),
                      OperationKind::cluster_scale,
                      OperationState::running,
                      cluster.id,
                      "demo",
                      {{"placed", StepState::done, 3, 3, "", TimePoint{1}, TimePoint{2}},
                       {"started", StepState::running, 1, 3, "pc-2", TimePoint{3}, {}},
                       {"ready", StepState::waiting, 0, 3, "", {}, {}}},
                      "",
                      "pc-2 has not removed the VM of demo-w1",
                      {1'700'000'000'000'004},
                      {}};
  IdempotencyRecord idempotency{"key-1", digest(9), operation.id, cluster.id, {1'700'000'000'000'005}};
  PutObservation observation{{host.id,
                              id<SessionId>(13),
                              id<BootId>(14),
                              17,
                              {1'700'000'000'000'006},
                              7,
                              6,
                              {8, 16384, 200, true, 120},
                              {1, 4},
                              "0.1.0",
                              {{image.id, false, 10, 1000}, {id<ImageId>(4, 2), true, 5, 5}},
                              {{ObjectKind::vm, node.id.uuid, FailureCode::hypervisor, "no disk"},
                               {ObjectKind::host, Uuid{}, FailureCode::hypervisor_away, ""}},
                              {id<NodeId>(9, 99)},
                              {{{ConditionCode::no_space, "its disk is full"}, {1'700'000'000'000'010}},
                               {{ConditionCode::clock, "its clock is 3 min ahead"}, {1'700'000'000'000'011}}},
                              true}};
  EventRow event{1, {1'700'000'000'000'007}, "node.booting", node.id.uuid, "demo-cp1", "it boots"};
  PutOrder order{host.id, 7, host.order};

  // Children before parents on purpose: a batch has no order inside.
  std::vector<Change> all() const {
    return {identity, access, node,  cluster,  network, claim,  removals, operation,   idempotency,
            event,    key_pair, order, next_vni, image,   flavor, project,  host,        observation, site};
  }
};

}  // namespace dure::control::contract
