#include "hostagent/core/order_parts.h"

#include <doctest/doctest.h>

#include <functional>
#include <set>

#include "tests/support/host_order_sample.h"

namespace dure::host {
namespace {

constexpr OpKey kFirewall{ObjectKind::host, Uuid{}};

// Two clusters of one VM each, which share nothing but the image.
HostOrder two_clusters() {
  auto order = sample_order();
  auto network = order.networks[0];
  network.id = NetworkId{uuid_number(40)};
  network.vni = 4098;
  order.networks.push_back(network);
  auto vm = order.vms[0];
  vm.id = NodeId{uuid_number(60)};
  vm.network = network.id;
  order.vms.push_back(vm);
  return order;
}

OpKey vm_of(const HostOrder& order, std::size_t n) { return {ObjectKind::vm, order.vms.at(n).id.uuid}; }
OpKey network_of(const HostOrder& order, std::size_t n) { return {ObjectKind::network, order.networks.at(n).id.uuid}; }

std::set<OpKey> wishes_after(const std::function<void(HostOrder&)>& change) {
  const auto older = two_clusters();
  auto newer = older;
  ++newer.generation;
  newer.order = OrderId{uuid_number(99)};
  change(newer);
  return new_wishes(&older, newer);
}

}  // namespace

TEST_CASE("order parts: the first order is all wishes, and one that asks for the same has none") {
  const auto order = two_clusters();
  CHECK(new_wishes(nullptr, order) ==
        std::set<OpKey>{kFirewall, key_of(FetchBlob{order.images[0].disk}), key_of(FetchBlob{order.images[0].kernel}),
                        network_of(order, 0), network_of(order, 1), vm_of(order, 0), vm_of(order, 1)});
  CHECK(wishes_after([](HostOrder&) {}).empty());
  CHECK(wishes_after([](HostOrder& order_) { order_.vms[0].bootstrap = "a new document"; }).empty());
}

TEST_CASE("order parts: whose VM is rebooted, made anew or switched off wishes that, and nobody else anything") {
  const std::set<OpKey> second{vm_of(two_clusters(), 1)};
  CHECK(wishes_after([](HostOrder& order) { ++order.vms[1].restart; }) == second);
  CHECK(wishes_after([](HostOrder& order) { ++order.vms[1].generation; }) == second);
  CHECK(wishes_after([](HostOrder& order) { order.vms[1].off = true; }) == second);
  CHECK(wishes_after([](HostOrder& order) {
          order.removed_vms.push_back({order.vms[1].id, 1});
          order.vms.pop_back();
        }) == second);
}

TEST_CASE("order parts: a network is wished for with the VMs on it, and for the filter") {
  const auto order = two_clusters();
  CHECK(wishes_after([](HostOrder& newer) { newer.networks[1].entries.pop_back(); }) ==
        std::set<OpKey>{kFirewall, network_of(order, 1), vm_of(order, 1)});
  CHECK(wishes_after([](HostOrder& newer) {
          newer.removed_networks.push_back({newer.networks[1].id, newer.networks[1].vni});
          newer.networks.pop_back();
          newer.vms.pop_back();
        }) == std::set<OpKey>{kFirewall, network_of(order, 1)});
}

TEST_CASE("order parts: an image is wished for by its blobs, those that were not asked for before") {
  const BlobRef disk{Digest{{7}}, 5};
  CHECK(wishes_after([&](HostOrder& order) {
          auto image = order.images[0];
          image.id = ImageId{uuid_number(33)};
          image.disk = disk;
          order.images.push_back(image);
        }) == std::set<OpKey>{key_of(FetchBlob{disk})});
  auto order = two_clusters();
  CHECK(blobs_of(order) == std::set<Digest>{Digest{{1}}, Digest{{2}}});
  order.images[0].kernel.size_bytes = 0;
  CHECK(blobs_of(order) == std::set<Digest>{Digest{{1}}});
}

}  // namespace dure::host
