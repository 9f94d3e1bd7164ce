#pragma once

#include <doctest/doctest.h>

#include <algorithm>
#include <string>
#include <vector>

#include "hostagent/ports/storage.h"

namespace dure::host::contract {

inline VmSpec seed_vm(std::uint8_t number) {
  VmSpec vm;
  vm.id.uuid.bytes.fill(number);
  vm.generation = 1;
  vm.name = "demo-w1";
  vm.mac = *Mac::parse("52:54:00:12:34:56");
  vm.address = *Ipv4::parse("10.1.2.3");
  vm.guest.hostname = "demo-w1";
  vm.guest.user = "dure";
  vm.guest.ssh_public_keys = {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAIDemo demo"};
  vm.guest.hosts = {{*Ipv4::parse("10.1.2.2"), "demo-cp1"}, {*Ipv4::parse("10.1.2.3"), "demo-w1"}};
  vm.guest.nameservers = {*Ipv4::parse("10.1.2.1")};
  return vm;
}

inline NetworkSpec seed_network() {
  NetworkSpec network;
  network.vni = 4242;
  network.prefix = *Ipv4Prefix::parse("10.1.2.0/24");
  network.gateway = *Ipv4::parse("10.1.2.1");
  network.mtu = 1450;
  return network;
}

inline std::vector<std::uint64_t> seeds_of(SeedStore& store, const NodeId& id) {
  const auto all = store.list();
  REQUIRE(all.ok());
  std::vector<std::uint64_t> generations;
  for (const ObservedVmFiles& files : *all) {
    CHECK(files.seed);
    CHECK_FALSE(files.overlay);
    if (files.id == id) generations.push_back(files.generation);
  }
  std::sort(generations.begin(), generations.end());
  return generations;
}

inline std::string must_make(SeedStore& store, const VmSpec& vm) {
  auto made = store.make(vm, seed_network());
  REQUIRE_MESSAGE(made.ok(), (made.ok() ? "" : made.error().message));
  return *made;
}

// What every SeedStore keeps to; BlobStore has blob_store_contract.h. On an empty store.
inline void seed_store_contract(SeedStore& store) {
  VmSpec vm = seed_vm(1);
  const VmSpec other = seed_vm(2);
  const std::string path = must_make(store, vm);
  CHECK(seeds_of(store, vm.id) == std::vector<std::uint64_t>{1});
  INFO("making it again is success and gives the same file");
  CHECK(must_make(store, vm) == path);

  CHECK(must_make(store, other) != path);
  vm.generation = 2;
  CHECK(must_make(store, vm) != path);
  vm.generation = 10;
  must_make(store, vm);
  CHECK(seeds_of(store, vm.id) == std::vector<std::uint64_t>{1, 2, 10});

  INFO("removal takes the generations up to the named one, of that VM only");
  REQUIRE(store.remove(vm.id, 2).ok());
  CHECK(seeds_of(store, vm.id) == std::vector<std::uint64_t>{10});
  CHECK(seeds_of(store, other.id) == std::vector<std::uint64_t>{1});
  CHECK(store.remove(vm.id, 2).ok());
  REQUIRE(store.remove(vm.id, 10).ok());
  REQUIRE(store.remove(other.id, 1).ok());
  CHECK(seeds_of(store, vm.id).empty());

  INFO("a name that would write a second line into the guest's files is refused");
  VmSpec hostile = seed_vm(3);
  hostile.guest.hostname = "a\n6.6.6.6 b";
  const auto refused = store.make(hostile, seed_network());
  REQUIRE_FALSE(refused.ok());
  CHECK(refused.error().code == Errc::invalid_argument);
  CHECK(seeds_of(store, hostile.id).empty());
}

}  // namespace dure::host::contract
