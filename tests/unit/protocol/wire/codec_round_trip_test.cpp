#include <doctest/doctest.h>
#include <rapidcheck.h>

#include "protocol/wire/codec.h"
#include "tests/unit/protocol/wire/samples.h"

namespace {

using namespace dure;

template <class Number>
Number any(Number low, Number high) {
  return *rc::gen::inRange<Number>(low, high);
}

std::uint32_t any_u32() { return *rc::gen::arbitrary<std::uint32_t>(); }
std::uint64_t any_u64() { return *rc::gen::arbitrary<std::uint64_t>(); }

// Distinct for distinct n.
template <class Any>
Any any_id(std::uint8_t n) {
  Any made;
  for (auto& byte : made.uuid.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
  made.uuid.bytes[0] = n;
  return made;
}

std::string any_name() {
  const auto letters = rc::gen::elementOf(std::string("abcxyz0189"));
  return *rc::gen::nonEmpty(rc::gen::resize(20, rc::gen::container<std::string>(letters)));
}

std::string any_text() {
  std::string text;
  for (const auto* piece : *rc::gen::resize(20, rc::gen::container<std::vector<const char*>>(
                               rc::gen::element("a", "Z", " ", "\"", "'", "<", "&", "두", "\xf0\x9f\x8c\xbe")))) {
    text += piece;
  }
  return text;
}

Digest any_digest() {
  Digest made;
  for (auto& byte : made.bytes) byte = *rc::gen::arbitrary<std::uint8_t>();
  return made;
}

BlobRef any_blob() { return {any_digest(), any<std::uint64_t>(1, 1ULL << 40)}; }

// Nothing, or any prefix beside the network's.
Ipv4Prefix any_routed(const Ipv4Prefix& network) {
  const auto length = any<std::uint8_t>(8, 33);
  const Ipv4Prefix made{{any_u32() & (~std::uint32_t{0} << (32 - length))}, length};
  return made.contains(network.base) || network.contains(made.base) ? Ipv4Prefix{} : made;
}

NetworkSpec any_network(std::uint8_t n) {
  NetworkSpec made;
  made.id = any_id<NetworkId>(n);
  made.vni = any<std::uint32_t>(1, 1000) * 256 + n;
  made.prefix = {{any<std::uint32_t>(0, 1U << 16) << 16}, 16};
  made.gateway = *made.prefix.at(1);
  made.gateway_mac = {{2, 0, 0, 0, 0, 1}};
  made.mtu = any<std::uint16_t>(576, 9000);
  made.local_vtep = {*rc::gen::arbitrary<std::uint32_t>()};
  const auto peers = any<std::uint8_t>(0, 4);
  for (std::uint8_t i = 0; i < peers; ++i) made.peers.push_back({any_id<HostId>(i), {any<std::uint32_t>(0, 99)}});
  const auto entries = any<std::uint8_t>(0, 4);
  for (std::uint8_t i = 0; i < entries; ++i) {
    made.entries.push_back({Mac{{2, 0, 0, 0, 1, i}}, *made.prefix.at(10U + i), {any<std::uint32_t>(0, 99)}, any_routed(made.prefix)});
  }
  return made;
}

VmSpec any_vm(std::uint8_t n) {
  VmSpec made;
  made.id = any_id<NodeId>(n);
  made.generation = any_u64();
  made.cluster = any_id<ClusterId>(0);
  made.name = any_name();
  made.vcpus = any<std::uint32_t>(1, 64);
  made.memory_mib = any<std::uint32_t>(1, 1 << 20);
  made.disk_gib = any<std::uint32_t>(1, 1 << 10);
  made.image = any_id<ImageId>(0);
  made.network = any_id<NetworkId>(0);
  made.mac = {{2, 0, 0, 0, 1, n}};
  made.address = {*rc::gen::arbitrary<std::uint32_t>()};
  made.guest.hostname = any_name();
  made.guest.user = "u" + any_name();
  if (*rc::gen::arbitrary<bool>()) made.guest.ssh_public_keys.push_back("k" + any_text());
  if (*rc::gen::arbitrary<bool>()) made.guest.hosts.push_back({{any<std::uint32_t>(0, 99)}, any_name()});
  if (*rc::gen::arbitrary<bool>()) made.guest.nameservers.push_back({any<std::uint32_t>(0, 99)});
  made.bootstrap = any_text();
  return made;
}

HostOrder any_order() {
  HostOrder made;
  made.system = any_id<SystemId>(1);
  made.host = any_id<HostId>(2);
  made.session = any_id<SessionId>(3);
  made.fence = {any_u64(), any_u64()};
  made.sequence = any_u64();
  made.generation = any_u64();
  made.order = any_id<OrderId>(4);
  made.issued_at = {*rc::gen::arbitrary<std::int64_t>()};
  const auto count = any<std::uint8_t>(0, 4);
  for (std::uint8_t i = 0; i < count; ++i) {
    made.images.push_back({any_id<ImageId>(i), any_blob(), any_blob(), any_blob(), any_text()});
    made.networks.push_back(any_network(i));
    made.vms.push_back(any_vm(i));
    made.removed_vms.push_back({any_id<NodeId>(i), any_u64()});
    made.removed_networks.push_back({any_id<NetworkId>(i), any<std::uint32_t>(1, 1 << 24)});
    made.round_trip_targets.push_back({any_id<SiteId>(0), {(11U + i) << 24 | any<std::uint32_t>(0, 1 << 24)}});
  }
  return made;
}

HostReport any_report() {
  HostReport made = samples::report();
  made.sequence = any_u64();
  made.highest_fence = {any_u64(), any_u64()};
  made.capacity.memory_mib = any_u64();
  made.observed = *rc::gen::arbitrary<bool>();
  made.vms.clear();
  const auto count = any<std::uint8_t>(0, 6);
  for (std::uint8_t i = 0; i < count; ++i) {
    made.vms.push_back({any_id<NodeId>(i), any_u64(), any_id<OrderId>(0), VmState::paused,
                        {{any_name(), any_u64()}}, any_text(), {any_name()}});
    made.failures.push_back({ObjectKind::image, any_id<ImageId>(i).uuid, FailureCode::image_fetch, any_text()});
  }
  made.round_trips.clear();
  for (std::uint8_t i = 0; i < count; ++i) {
    SiteRoundTrip trip{any_id<SiteId>(i), any<std::uint64_t>(1, ~std::uint64_t{0}), any<std::uint32_t>(1, kMaxEchoes + 1)};
    trip.answered = any<std::uint32_t>(0, trip.sent + 1);
    if (trip.answered > 0) {
      trip.median_us = any<std::uint32_t>(1, kMaxRoundTripUs + 1);
      trip.least_us = any<std::uint32_t>(1, trip.median_us + 1);
    }
    made.round_trips.push_back(trip);
  }
  return made;
}

}  // namespace

TEST_CASE("codec: any order survives encoding and decoding") {
  CHECK(rc::check([] {
    const auto order = any_order();
    const auto decoded = wire::decode_host_order(wire::encode(order));
    RC_ASSERT(decoded.ok());
    RC_ASSERT(*decoded == order);
  }));
}

TEST_CASE("codec: any report survives encoding and decoding") {
  CHECK(rc::check([] {
    const auto report = any_report();
    const auto decoded = wire::decode_agent_message(wire::encode(wire::AgentMessage(report)));
    RC_ASSERT(decoded.ok());
    RC_ASSERT(std::get<HostReport>(*decoded) == report);
  }));
}

TEST_CASE("codec: damaged bytes are refused, or are another well-formed message") {
  CHECK(rc::check([] {
    auto bytes = wire::encode(samples::order());
    const auto damages = any(1, 5);
    for (int i = 0; i < damages; ++i) {
      bytes[any<std::size_t>(0, bytes.size())] = static_cast<char>(*rc::gen::arbitrary<std::uint8_t>());
    }
    const auto decoded = wire::decode_host_order(bytes);
    if (!decoded.ok()) return;
    const auto again = wire::decode_host_order(wire::encode(*decoded));
    RC_ASSERT(again.ok());
    RC_ASSERT(*again == *decoded);
  }));
}
