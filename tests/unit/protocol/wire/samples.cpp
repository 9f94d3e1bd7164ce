#include "tests/unit/protocol/wire/samples.h"

#include <doctest/doctest.h>

#include "common/files.h"

namespace dure::samples {
namespace {

Digest digest(std::uint8_t byte) {
  Digest made;
  made.bytes.fill(byte);
  return made;
}

NetworkSpec network() {
  NetworkSpec made;
  made.id = id<NetworkId>(0x31);
  made.vni = 0xabcdef;
  made.prefix = *Ipv4Prefix::parse("10.64.8.0/22");
  made.gateway = *Ipv4::parse("10.64.8.1");
  made.gateway_mac = *Mac::parse("02:00:00:00:00:01");
  made.mtu = 1450;
  made.local_vtep = *Ipv4::parse("192.0.2.1");
  made.peers = {{id<HostId>(0x41), *Ipv4::parse("192.0.2.2")}, {id<HostId>(0x42), *Ipv4::parse("198.51.100.2")}};
  made.entries = {
      {*Mac::parse("02:00:00:00:00:0a"), *Ipv4::parse("10.64.8.10"), *Ipv4::parse("192.0.2.1"),
       *Ipv4Prefix::parse("10.244.1.0/24")},
      {*Mac::parse("02:00:00:00:00:0b"), *Ipv4::parse("10.64.8.11"), *Ipv4::parse("192.0.2.2")}};
  return made;
}

VmSpec vm() {
  VmSpec made;
  made.id = id<NodeId>(0x51);
  made.generation = 3;
  made.cluster = id<ClusterId>(0x52);
  made.name = "demo-cp1";
  made.vcpus = 2;
  made.memory_mib = 2048;
  made.disk_gib = 10;
  made.image = id<ImageId>(0x21);
  made.network = id<NetworkId>(0x31);
  made.mac = *Mac::parse("02:00:00:00:00:0a");
  made.address = *Ipv4::parse("10.64.8.10");
  made.guest.hostname = "demo-cp1";
  made.guest.user = "dure";
  made.guest.ssh_public_keys = {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5 김민지@campus"};
  made.guest.hosts = {{*Ipv4::parse("10.64.8.10"), "demo-cp1"}, {*Ipv4::parse("10.64.8.11"), "demo-w1.demo"}};
  made.guest.nameservers = {*Ipv4::parse("192.0.2.53")};
  made.bootstrap = R"({"v":1,"node":"demo-cp1","files":[{"path":"a","content":"두레\n"}]})";
  return made;
}

}  // namespace

HostOrder order() {
  HostOrder made;
  made.system = id<SystemId>(0x11);
  made.host = id<HostId>(0x12);
  made.session = id<SessionId>(0x13);
  made.fence = {1, 7};
  made.sequence = 5;
  made.generation = 42;
  made.order = id<OrderId>(0x14);
  made.issued_at = {1772355600123456};
  made.images = {{id<ImageId>(0x21), {digest(0x22), 1'000'000'000}, {digest(0x23), 8'000'000},
                  {digest(0x24), 30'000'000}, "root=/dev/vda1 console=ttyS0"}};
  made.networks = {network()};
  made.vms = {vm()};
  made.removed_vms = {{id<NodeId>(0x61), 9}};
  made.removed_networks = {{id<NetworkId>(0x62), 77}};
  made.round_trip_targets = {{id<SiteId>(0x71), *Ipv4::parse("198.51.100.2")},
                             {id<SiteId>(0x71), *Ipv4::parse("198.51.100.3")}};
  return made;
}

HostReport report() {
  HostReport made;
  made.system = id<SystemId>(0x11);
  made.host = id<HostId>(0x12);
  made.session = id<SessionId>(0x13);
  made.boot = id<BootId>(0x15);
  made.sequence = 99;
  made.agent_version = "0.1.0";
  made.capacity = {8, 16384, 200, true};
  made.highest_fence = {1, 7};
  made.accepted_generation = 42;
  made.applied_generation = 41;
  made.applied_order = id<OrderId>(0x14);
  made.observed = true;
  made.vms = {{id<NodeId>(0x51), 3, id<OrderId>(0x14), VmState::running,
               {{"network", 1500}, {"ready", 9000}}, "disk is slow", {"demo-w3", "demo-w4"}}};
  made.networks = {{id<NetworkId>(0x31), 0xabcdef}};
  made.images = {{id<ImageId>(0x21), true, 1'000'000'000, 1'000'000'000}};
  made.failures = {{ObjectKind::vm, id<NodeId>(0x51).uuid, FailureCode::no_space, "디스크가 가득 찼습니다"}};
  made.round_trips = {{id<SiteId>(0x71), 12, 10, 9, 3900, 4200}, {id<SiteId>(0x72), 12, 10, 0, 0, 0}};
  return made;
}

HostOrder order_with_power() {
  auto made = order();
  made.vms[0].off = true;
  made.vms[0].restart = 3;
  made.fence_proof = std::string(64, '\x5a');
  return made;
}

HostReport report_with_conditions() {
  auto made = report();
  auto& vm = made.vms[0];
  vm.state = VmState::shut_down;
  vm.restart = 3;
  vm.boot = id<BootId>(0x16).uuid;
  vm.silent_s = 60;
  vm.not_ready = {"demo-w1"};
  vm.access = 7;
  vm.judges = true;
  made.capacity.disk_free_gib = 25;
  made.fence_proof = std::string(64, '\x5a');
  made.in_flight = {{ObjectKind::network, id<NetworkId>(0x31).uuid}, {ObjectKind::vm, id<NodeId>(0x51).uuid}};
  made.conditions = {{ConditionCode::no_space, "디스크가 가득 찼습니다"}, {ConditionCode::uplink, "there is no eth0"}};
  made.refused = RefusedOrder{id<OrderId>(0x17), 43, "no"};
  made.clock = {1772355600123456};
  return made;
}

OrderAck ack() {
  return {id<HostId>(0x12), id<SessionId>(0x13), id<OrderId>(0x14), 5, 42, false, "superseded"};
}

wire::SigningKey signing_key(std::uint8_t first_byte) {
  std::string raw;
  for (std::uint8_t i = 0; i < 32; ++i) raw.push_back(static_cast<char>(first_byte + i));
  auto key = wire::SigningKey::from_bytes(raw);
  REQUIRE(key.ok());
  return std::move(key).value();
}

std::string to_hex(std::string_view bytes) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string text;
  for (const char c : bytes) {
    const auto byte = static_cast<unsigned char>(c);
    text.push_back(digits[byte >> 4]);
    text.push_back(digits[byte & 15]);
  }
  return text;
}

std::string from_hex(std::string_view text) {
  constexpr std::string_view digits = "0123456789abcdef";
  std::string bytes;
  std::size_t nibbles = 0;
  for (const char c : text) {
    const auto digit = digits.find(c);
    if (digit == std::string_view::npos) continue;
    if (nibbles % 2 == 0) bytes.push_back('\0');
    bytes.back() = static_cast<char>(static_cast<unsigned char>(bytes.back()) * 16U + digit);
    ++nibbles;
  }
  return bytes;
}

std::string golden(const std::string& name) {
  const auto text = read_file(std::string(DURE_GOLDEN_DIRECTORY) + "/" + name + ".hex", 1 << 20);
  REQUIRE(text.ok());
  return from_hex(*text);
}

}  // namespace dure::samples
