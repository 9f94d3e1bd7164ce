#include "hostagent/core/order_parts.h"

#include <algorithm>
#include <cstdint>
#include <utility>
#include <vector>

namespace dure::host {
namespace {

std::vector<BlobRef> parts_of(const HostOrder& order) {
  std::vector<BlobRef> parts;
  for (const auto& image : order.images) {
    for (const auto* blob : {&image.disk, &image.kernel, &image.initrd}) {
      if (blob->size_bytes > 0) parts.push_back(*blob);
    }
  }
  return parts;
}

template <class Spec, class IdType>
const Spec* find(const std::vector<Spec>& specs, const IdType& id) {
  const auto found = std::find_if(specs.begin(), specs.end(), [&](const Spec& spec) { return spec.id == id; });
  return found == specs.end() ? nullptr : &*found;
}

template <class Spec, class IdType>
bool same(const std::vector<Spec>& older, const std::vector<Spec>& newer, const IdType& id) {
  const auto* before = find(older, id);
  const auto* now = find(newer, id);
  return before != nullptr && now != nullptr && *before == *now;
}

template <class Value>
bool contains(const std::vector<Value>& values, const Value& value) {
  return std::find(values.begin(), values.end(), value) != values.end();
}

bool same_vm(const HostOrder& older, const HostOrder& newer, const VmSpec& vm) {
  const auto* before = find(older.vms, vm.id);
  if (before == nullptr) return false;
  auto now = vm;
  now.bootstrap = before->bootstrap;
  return now == *before && same(older.images, newer.images, vm.image) && same(older.networks, newer.networks, vm.network);
}

}  // namespace

std::set<Digest> blobs_of(const HostOrder& order) {
  std::set<Digest> digests;
  for (const auto& blob : parts_of(order)) digests.insert(blob.digest);
  return digests;
}

std::set<OpKey> new_wishes(const HostOrder* older, const HostOrder& newer) {
  const HostOrder nothing;
  const auto& before = older == nullptr ? nothing : *older;
  std::set<OpKey> wishes;
  for (const auto& vm : newer.vms) {
    if (!same_vm(before, newer, vm)) wishes.insert({ObjectKind::vm, vm.id.uuid});
  }
  for (const auto& network : newer.networks) {
    if (!same(before.networks, newer.networks, network.id)) wishes.insert({ObjectKind::network, network.id.uuid});
  }
  const auto known = parts_of(before);
  for (const auto& blob : parts_of(newer)) {
    if (!contains(known, blob)) wishes.insert(key_of(FetchBlob{blob}));
  }
  for (const auto& removal : newer.removed_vms) {
    if (!contains(before.removed_vms, removal)) wishes.insert({ObjectKind::vm, removal.id.uuid});
  }
  for (const auto& removal : newer.removed_networks) {
    if (!contains(before.removed_networks, removal)) wishes.insert({ObjectKind::network, removal.id.uuid});
  }
  if (older == nullptr || before.networks != newer.networks) wishes.insert(key_of(ApplyFirewall{}));
  return wishes;
}

}  // namespace dure::host
