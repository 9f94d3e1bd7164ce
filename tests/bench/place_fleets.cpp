#include "tests/bench/place_fleets.h"

#include <algorithm>
#include <limits>

namespace dure::bench {

HostId host_id(std::uint32_t number) {
  HostId id;
  for (std::size_t i = 0; i < 4; ++i) id.uuid.bytes[15 - i] = static_cast<std::uint8_t>(number >> (8 * i));
  return id;
}

control::Candidate plain_host(std::uint32_t number, control::Resources size) {
  control::Candidate host;
  host.host = host_id(number + 1);
  host.total = host.free = size;
  return host;
}

const std::vector<Shape>& lab_shapes() {
  static const std::vector<Shape> kShapes{{{1, 2048, 10}, 25}, {{2, 4096, 20}, 25},  {{2, 8192, 20}, 10},
                                          {{4, 8192, 40}, 15}, {{4, 16384, 40}, 10}, {{8, 16384, 60}, 8},
                                          {{8, 32768, 80}, 5}, {{16, 49152, 80}, 2}};
  return kShapes;
}

control::Resources any_shape(Random& random) {
  std::uint64_t point = random.below(100);
  for (const Shape& shape : lab_shapes()) {
    if (point < shape.weight) return shape.amount;
    point -= shape.weight;
  }
  return lab_shapes().back().amount;
}

std::vector<control::Candidate> lab_hosts(std::uint32_t count, std::uint64_t seed) {
  const std::vector<control::Resources> generations{{16, 14000, 500},  {24, 30000, 1000}, {32, 30000, 1000},
                                                    {32, 62000, 1000}, {48, 62000, 2000}, {64, 126000, 2000}};
  Random random(seed);
  const std::uint32_t sites = std::min(8U, 1 + count / 500);
  std::vector<control::Candidate> hosts;
  for (std::uint32_t i = 0; i < count; ++i) {
    // A row is bought at once; its PCs are alike.
    auto host = plain_host(i, generations[(i / 8 * 7) % generations.size()]);
    host.room = std::to_string(i / 40);
    host.site.uuid.bytes[15] = static_cast<std::uint8_t>(1 + i % sites);
    host.host_class = i % 40 == 0 ? control::HostClass::anchor : control::HostClass::scavenged;
    while (host.free.memory_mib * 10 > host.total.memory_mib * 4) {
      const auto shape = any_shape(random);
      if (!control::covers(control::amounts(host.free), control::amounts(shape))) break;
      host.free.vcpus -= shape.vcpus;
      host.free.memory_mib -= shape.memory_mib;
      host.free.disk_gib -= shape.disk_gib;
      ++host.nodes;
    }
    hosts.push_back(host);
  }
  return hosts;
}

std::vector<control::Candidate> alike_hosts(std::uint32_t count, control::Resources size) {
  std::vector<control::Candidate> hosts;
  for (std::uint32_t i = 0; i < count; ++i) hosts.push_back(plain_host(i, size));
  return hosts;
}

RawColumns::RawColumns(const std::vector<control::Candidate>& hosts) {
  for (const auto& host : hosts) {
    vcpus_.push_back(static_cast<std::int32_t>(host.free.vcpus));
    memory_.push_back(static_cast<std::int32_t>(host.free.memory_mib));
  }
}

std::size_t RawColumns::best_fit(std::int32_t vcpus, std::int32_t memory) const {
  constexpr std::int32_t kNone = std::numeric_limits<std::int32_t>::max();
  std::int32_t least = kNone;
  for (std::size_t i = 0; i < vcpus_.size(); ++i) {
    const std::int32_t left = memory_[i] - memory;
    least = std::min(least, vcpus_[i] >= vcpus && left >= 0 ? left : kNone);
  }
  if (least == kNone) return vcpus_.size();
  for (std::size_t i = 0; i < vcpus_.size(); ++i) {
    if (memory_[i] - memory == least && vcpus_[i] >= vcpus) return i;
  }
  return vcpus_.size();
}

}  // namespace dure::bench
