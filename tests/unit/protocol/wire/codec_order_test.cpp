#include <doctest/doctest.h>

#include <functional>

#include "protocol/schema/host_order.pb.h"
#include "protocol/wire/codec.h"
#include "tests/unit/protocol/wire/codec_unknown.h"
#include "tests/unit/protocol/wire/samples.h"

namespace {

using dure::schema::HostOrder;
using dure::wire::decode_host_order;
using dure::wire::encode;

HostOrder sample() {
  HostOrder message;
  REQUIRE(message.ParseFromString(encode(dure::samples::order())));
  return message;
}

std::string fault_after(const std::function<void(HostOrder&)>& change) {
  auto message = sample();
  change(message);
  const auto decoded = decode_host_order(message.SerializeAsString());
  return decoded.ok() ? "accepted" : decoded.error().message;
}

struct Row {
  const char* fault;
  std::function<void(HostOrder&)> change;
};

void check_rows(const std::vector<Row>& rows) {
  for (const auto& row : rows) {
    CAPTURE(row.fault);
    CHECK(fault_after(row.change) == std::string("order: ") + row.fault);
  }
}

}  // namespace

TEST_CASE("order: what was encoded is decoded, and an empty order too") {
  const auto decoded = decode_host_order(encode(dure::samples::order()));
  REQUIRE(decoded.ok());
  CHECK(*decoded == dure::samples::order());
  const auto empty = decode_host_order(encode(dure::HostOrder{}));
  REQUIRE(empty.ok());
  CHECK(*empty == dure::HostOrder{});
}

TEST_CASE("order: an image without a kernel boots from its disk") {
  auto order = dure::samples::order();
  order.images[0].kernel = {};
  order.images[0].initrd = {};
  order.images[0].cmdline.clear();
  const auto decoded = decode_host_order(encode(order));
  REQUIRE(decoded.ok());
  CHECK(*decoded == order);
}

TEST_CASE("order: its bytes are the golden ones") {
  CHECK(dure::samples::to_hex(encode(dure::samples::order())) ==
        dure::samples::to_hex(dure::samples::golden("order")));
}

TEST_CASE("order: with power and a fence's proof it is decoded as it was, and its bytes are the golden ones") {
  const auto order = dure::samples::order_with_power();
  const auto decoded = decode_host_order(encode(order));
  REQUIRE(decoded.ok());
  CHECK(*decoded == order);
  CHECK(dure::samples::to_hex(encode(order)) == dure::samples::to_hex(dure::samples::golden("order_with_power")));
  auto wrong = order;
  wrong.fence_proof = "short";
  CHECK(decode_host_order(encode(wrong)).error().message == "order: fence_proof is not 64 bytes");
}

TEST_CASE("order: without Kubernetes its bytes are what they were before there was any") {
  auto order = dure::samples::order();
  for (auto& entry : order.networks[0].entries) entry.routed = {};
  order.vms[0].bootstrap.clear();
  order.round_trip_targets.clear();
  const auto before = dure::samples::golden("order_without_kubernetes");
  CHECK(dure::samples::to_hex(encode(order)) == dure::samples::to_hex(before));
  const auto decoded = decode_host_order(before);
  REQUIRE(decoded.ok());
  CHECK(*decoded == order);
}

TEST_CASE("order: without targets its bytes are what they were before there were any") {
  auto order = dure::samples::order();
  order.round_trip_targets.clear();
  const auto before = dure::samples::golden("order_without_round_trips");
  CHECK(dure::samples::to_hex(encode(order)) == dure::samples::to_hex(before));
  const auto decoded = decode_host_order(before);
  REQUIRE(decoded.ok());
  CHECK(*decoded == order);
}

TEST_CASE("order: only one host's address is asked how far it is") {
  const auto address = [](std::uint32_t value) {
    return [value](HostOrder& m) { m.mutable_round_trip_targets(0)->set_address(value); };
  };
  for (const std::uint32_t value : {0x01000000U, 0x0a000001U, 0xdfffffffU}) {
    CHECK(fault_after(address(value)) == "accepted");
  }
  for (const std::uint32_t value : {0U, 0x00ffffffU, 0x7f000001U, 0xe0000001U, 0xffffffffU}) {
    CAPTURE(value);
    CHECK(fault_after(address(value)) == "order: round_trip_target.address is not one host's address");
  }
  check_rows({
      {"round_trip_target.site is not 16 bytes",
       [](HostOrder& m) { m.mutable_round_trip_targets(0)->clear_site(); }},
      {"round_trip_target.address is there twice",
       [](HostOrder& m) { m.mutable_round_trip_targets(0)->set_address(m.round_trip_targets(1).address()); }},
      {"round_trip_targets is out of range",
       [](HostOrder& m) {
         for (std::size_t i = 0; i < dure::kMaxRoundTripTargets; ++i) m.add_round_trip_targets();
       }},
  });
}

TEST_CASE("order: what is behind a guest is a prefix of 8 to 32 bits beside the network's") {
  for (const auto* text : {"10.0.0.0/10", "10.244.0.0/16", "10.244.1.7/32", "11.0.0.0/8"}) {
    CAPTURE(std::string(text));
    auto order = dure::samples::order();
    order.networks[0].entries[0].routed = *dure::Ipv4Prefix::parse(text);
    const auto decoded = decode_host_order(encode(order));
    REQUIRE(decoded.ok());
    CHECK(*decoded == order);
  }
}

TEST_CASE("order: a guest's document is any text of one line up to its bound") {
  auto order = dure::samples::order();
  for (const auto& text : {std::string(), std::string("{}"), std::string(dure::kMaxBootstrapBytes, 'x')}) {
    order.vms[0].bootstrap = text;
    const auto decoded = decode_host_order(encode(order));
    REQUIRE(decoded.ok());
    CHECK(*decoded == order);
  }
}

TEST_CASE("order: cut off at any byte it is refused or lacks a field") {
  const auto bytes = encode(dure::samples::order());
  for (std::size_t length = 0; length < bytes.size(); ++length) {
    const auto decoded = decode_host_order(std::string_view(bytes).substr(0, length));
    CAPTURE(length);
    // Between two elements of a list the bytes are a shorter order; never the same one.
    if (decoded.ok()) REQUIRE(*decoded != dure::samples::order());
  }
  CHECK(!decode_host_order("").ok());
}

TEST_CASE("order: an unknown field is refused in every message at every depth") {
  int messages = 0;
  while (true) {
    auto message = sample();
    int n = messages;
    if (!dure::samples::add_unknown(message, n)) break;
    const auto decoded = decode_host_order(message.SerializeAsString());
    CAPTURE(messages);
    REQUIRE(!decoded.ok());
    CHECK(decoded.error().message.ends_with("has an unknown field"));
    ++messages;
  }
  // Order, fence, image with 3 blobs, network with 2 peers and 2 entries, VM with guest and 2 hosts,
  // 2 removals, 2 targets.
  CHECK(messages == 19);
}

TEST_CASE("order: bytes that are no message, and too many of them, are refused") {
  CHECK(!decode_host_order("\xff\xff\xff\xff").ok());
  CHECK(!decode_host_order(encode(dure::samples::order()) + '\0').ok());
  CHECK(!decode_host_order(std::string(dure::kMaxOrderBytes + 1, '\0')).ok());
}

TEST_CASE("order: fields of the order itself") {
  check_rows({
      {"system is not 16 bytes", [](HostOrder& m) { m.clear_system(); }},
      {"host is not 16 bytes", [](HostOrder& m) { m.set_host(std::string(15, 'x')); }},
      {"session is not 16 bytes", [](HostOrder& m) { m.set_session(std::string(17, 'x')); }},
      {"order is not 16 bytes", [](HostOrder& m) { m.clear_order(); }},
      {"fence is missing", [](HostOrder& m) { m.clear_fence(); }},
      {"vm.id is there twice", [](HostOrder& m) { *m.add_vms() = m.vms(0); }},
      {"image.id is there twice", [](HostOrder& m) { *m.add_images() = m.images(0); }},
      {"network.id is there twice", [](HostOrder& m) { *m.add_networks() = m.networks(0); }},
      {"network.vni is there twice",
       [](HostOrder& m) {
         auto& added = *m.add_networks();
         added = m.networks(0);
         added.set_id(std::string(16, 'x'));
       }},
      {"removed_vm.id is there twice", [](HostOrder& m) { *m.add_removed_vms() = m.removed_vms(0); }},
      {"removed_network.id is there twice",
       [](HostOrder& m) { *m.add_removed_networks() = m.removed_networks(0); }},
      {"removed_vm.id is not 16 bytes", [](HostOrder& m) { m.mutable_removed_vms(0)->clear_id(); }},
      {"removed_network.vni is out of range",
       [](HostOrder& m) { m.mutable_removed_networks(0)->set_vni(0); }},
      {"vms is out of range",
       [](HostOrder& m) {
         for (std::size_t i = 0; i < dure::kMaxVmsPerHost; ++i) m.add_vms();
       }},
      {"images is out of range",
       [](HostOrder& m) {
         for (std::size_t i = 0; i < dure::kMaxImagesPerHost; ++i) m.add_images();
       }},
      {"networks is out of range",
       [](HostOrder& m) {
         for (std::size_t i = 0; i < dure::kMaxNetworksPerHost; ++i) m.add_networks();
       }},
      {"removed_vms is out of range",
       [](HostOrder& m) {
         for (std::size_t i = 0; i < dure::kMaxRemovals; ++i) m.add_removed_vms();
       }},
      {"removed_networks is out of range",
       [](HostOrder& m) {
         for (std::size_t i = 0; i < dure::kMaxRemovals; ++i) m.add_removed_networks();
       }},
  });
}

TEST_CASE("order: fields of an image") {
  check_rows({
      {"image.id is not 16 bytes", [](HostOrder& m) { m.mutable_images(0)->clear_id(); }},
      {"image.disk is not 32 bytes", [](HostOrder& m) { m.mutable_images(0)->clear_disk(); }},
      {"image.disk is out of range",
       [](HostOrder& m) { m.mutable_images(0)->mutable_disk()->set_size_bytes(0); }},
      {"image.kernel is out of range",
       [](HostOrder& m) { m.mutable_images(0)->mutable_kernel()->set_size_bytes(~std::uint64_t{0}); }},
      {"image.initrd is not 32 bytes",
       [](HostOrder& m) { m.mutable_images(0)->mutable_initrd()->set_digest("x"); }},
      {"image.kernel is missing where there is an initrd or a command line",
       [](HostOrder& m) { m.mutable_images(0)->clear_kernel(); }},
      {"image.cmdline is not printable text",
       [](HostOrder& m) { m.mutable_images(0)->set_cmdline("a\nb"); }},
      {"image.cmdline is too long",
       [](HostOrder& m) { m.mutable_images(0)->set_cmdline(std::string(2049, 'a')); }},
  });
}

TEST_CASE("order: fields of a network") {
  check_rows({
      {"network.id is not 16 bytes", [](HostOrder& m) { m.mutable_networks(0)->clear_id(); }},
      {"network.vni is out of range", [](HostOrder& m) { m.mutable_networks(0)->set_vni(1 << 24); }},
      {"network.prefix is out of range", [](HostOrder& m) { m.mutable_networks(0)->set_prefix_length(31); }},
      {"network.prefix is out of range", [](HostOrder& m) { m.mutable_networks(0)->set_prefix_length(300); }},
      {"network.prefix has host bits set",
       [](HostOrder& m) { m.mutable_networks(0)->set_prefix_base(0x0a400801); }},
      {"network.gateway is outside of the prefix",
       [](HostOrder& m) { m.mutable_networks(0)->set_gateway(0x0a000001); }},
      {"network.gateway_mac is not 6 bytes",
       [](HostOrder& m) { m.mutable_networks(0)->set_gateway_mac("12345"); }},
      {"network.gateway_mac is not one station's address",
       [](HostOrder& m) { m.mutable_networks(0)->set_gateway_mac("\x01\x02\x03\x04\x05\x06"); }},
      {"network.mtu is out of range", [](HostOrder& m) { m.mutable_networks(0)->set_mtu(575); }},
      {"network.mtu is out of range", [](HostOrder& m) { m.mutable_networks(0)->set_mtu(65536); }},
      {"network.peer.host is not 16 bytes",
       [](HostOrder& m) { m.mutable_networks(0)->mutable_peers(0)->clear_host(); }},
      {"network.peer.host is there twice",
       [](HostOrder& m) { *m.mutable_networks(0)->mutable_peers(1) = m.networks(0).peers(0); }},
      {"network.entry.mac is there twice",
       [](HostOrder& m) {
         m.mutable_networks(0)->mutable_entries(1)->set_mac(m.networks(0).entries(0).mac());
       }},
      {"network.entry.address is there twice",
       [](HostOrder& m) {
         m.mutable_networks(0)->mutable_entries(1)->set_address(m.networks(0).entries(0).address());
       }},
      {"network.entry.address is outside of the prefix",
       [](HostOrder& m) { m.mutable_networks(0)->mutable_entries(0)->set_address(1); }},
      {"network.entry.routed has no length",
       [](HostOrder& m) { m.mutable_networks(0)->mutable_entries(0)->set_routed_length(0); }},
      {"network.entry.routed is out of range",
       [](HostOrder& m) { m.mutable_networks(0)->mutable_entries(0)->set_routed_length(7); }},
      {"network.entry.routed is out of range",
       [](HostOrder& m) { m.mutable_networks(0)->mutable_entries(0)->set_routed_length(33); }},
      {"network.entry.routed is out of range",
       [](HostOrder& m) { m.mutable_networks(0)->mutable_entries(0)->set_routed_length(280); }},
      {"network.entry.routed has host bits set",
       [](HostOrder& m) { m.mutable_networks(0)->mutable_entries(0)->set_routed_base(0x0af40101); }},
      {"network.entry.routed overlaps the network's prefix",
       [](HostOrder& m) { m.mutable_networks(0)->mutable_entries(0)->set_routed_base(0x0a400800); }},
      {"network.entry.routed overlaps the network's prefix",
       [](HostOrder& m) {
         m.mutable_networks(0)->mutable_entries(0)->set_routed_base(0x0a000000);
         m.mutable_networks(0)->mutable_entries(0)->set_routed_length(8);
       }},
      {"network.entries is out of range",
       [](HostOrder& m) {
         for (std::size_t i = 0; i < dure::kMaxEntriesPerNetwork; ++i) m.mutable_networks(0)->add_entries();
       }},
  });
}

TEST_CASE("order: fields of a VM") {
  check_rows({
      {"vm.id is not 16 bytes", [](HostOrder& m) { m.mutable_vms(0)->clear_id(); }},
      {"vm.cluster is not 16 bytes", [](HostOrder& m) { m.mutable_vms(0)->clear_cluster(); }},
      {"vm.name is not a name", [](HostOrder& m) { m.mutable_vms(0)->set_name("a/../b"); }},
      {"vm.vcpus is out of range", [](HostOrder& m) { m.mutable_vms(0)->set_vcpus(0); }},
      {"vm.memory_mib is out of range", [](HostOrder& m) { m.mutable_vms(0)->set_memory_mib(~0U); }},
      {"vm.disk_gib is out of range", [](HostOrder& m) { m.mutable_vms(0)->set_disk_gib(0); }},
      {"vm.image is not 16 bytes", [](HostOrder& m) { m.mutable_vms(0)->clear_image(); }},
      {"vm.network is not 16 bytes", [](HostOrder& m) { m.mutable_vms(0)->clear_network(); }},
      {"vm.mac is not one station's address",
       [](HostOrder& m) { m.mutable_vms(0)->set_mac(std::string(6, '\0')); }},
      {"vm.bootstrap is too long",
       [](HostOrder& m) { m.mutable_vms(0)->set_bootstrap(std::string(dure::kMaxBootstrapBytes + 1, 'x')); }},
      {"vm.bootstrap is not printable text", [](HostOrder& m) { m.mutable_vms(0)->set_bootstrap("{}\n"); }},
      {"vm.bootstrap is not printable text",
       [](HostOrder& m) { m.mutable_vms(0)->set_bootstrap(std::string("{}\0", 3)); }},
      {"vm.bootstrap is not printable text", [](HostOrder& m) { m.mutable_vms(0)->set_bootstrap("{\xff}"); }},
      {"vm.guest is missing", [](HostOrder& m) { m.mutable_vms(0)->clear_guest(); }},
      {"vm.guest.hostname is not a name",
       [](HostOrder& m) { m.mutable_vms(0)->mutable_guest()->set_hostname("Demo"); }},
      {"vm.guest.user is not a login name",
       [](HostOrder& m) { m.mutable_vms(0)->mutable_guest()->set_user("a:b"); }},
      {"vm.guest.ssh_public_key is not printable text",
       [](HostOrder& m) { m.mutable_vms(0)->mutable_guest()->set_ssh_public_keys(0, "a\nb"); }},
      {"vm.guest.ssh_public_key is empty",
       [](HostOrder& m) { m.mutable_vms(0)->mutable_guest()->set_ssh_public_keys(0, ""); }},
      {"vm.guest.hosts.name is not a host name",
       [](HostOrder& m) { m.mutable_vms(0)->mutable_guest()->mutable_hosts(0)->set_name("a b"); }},
      {"vm.guest.hosts.name is there twice",
       [](HostOrder& m) { *m.mutable_vms(0)->mutable_guest()->add_hosts() = m.vms(0).guest().hosts(0); }},
      {"vm.guest.nameservers is out of range",
       [](HostOrder& m) {
         for (int i = 0; i < 8; ++i) m.mutable_vms(0)->mutable_guest()->add_nameservers(1);
       }},
  });
}
