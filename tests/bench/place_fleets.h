#pragma once

#include <cstdint>
#include <vector>

#include "controlnode/core/placement/fleet.h"

namespace dure::bench {

// SplitMix64 (Steele, Lea, Flood 2014): the same numbers on every machine from the same seed.
class Random {
 public:
  explicit Random(std::uint64_t seed) : state_(seed) {}
  std::uint64_t next() {
    std::uint64_t z = (state_ += 0x9e3779b97f4a7c15ULL);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebULL;
    return z ^ (z >> 31);
  }
  std::uint64_t below(std::uint64_t bound) { return next() % bound; }
  double unit() { return static_cast<double>(next() >> 11) * 0x1p-53; }

 private:
  std::uint64_t state_;
};

HostId host_id(std::uint32_t number);
control::Candidate plain_host(std::uint32_t number, control::Resources size);

// What students ask for, and how often.
struct Shape {
  control::Resources amount;
  std::uint32_t weight = 1;
};
const std::vector<Shape>& lab_shapes();
control::Resources any_shape(Random& random);

// PCs of six generations (vCPUs: two for each core) in rooms of 40 on up to eight
// sites (one for each 500 hosts), about 60 % used by guests of the shapes above.
std::vector<control::Candidate> lab_hosts(std::uint32_t count, std::uint64_t seed);

// As many as given, all alike.
std::vector<control::Candidate> alike_hosts(std::uint32_t count, control::Resources size);

// The same free amounts in two columns, and the least leftover memory by looking at every host: what a
// compiler can make of the question, and the limit that a decision is compared with.
class RawColumns {
 public:
  explicit RawColumns(const std::vector<control::Candidate>& hosts);
  // The host's number in the order given; its size if there is none.
  std::size_t best_fit(std::int32_t vcpus, std::int32_t memory) const;
  void take(std::size_t host, std::int32_t vcpus, std::int32_t memory) {
    vcpus_[host] -= vcpus;
    memory_[host] -= memory;
  }
  std::size_t size() const { return vcpus_.size(); }

 private:
  std::vector<std::int32_t> vcpus_, memory_;
};

}  // namespace dure::bench
