#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <set>
#include <vector>

#include "controlnode/core/placement/record.h"

namespace dure::control {

// Records are kept in segments, each readable by itself: its first record has the whole fleet. A segment ends
// when it has so many records and the others weigh as much as the first, so that writing fleets at most doubles
// what is written. The others bound what is kept; whole segments go, the oldest first.
inline constexpr std::uint32_t kSegmentRecords = 256;
inline constexpr std::size_t kSegments = 64;
inline constexpr std::uint64_t kSegmentBytes = std::uint64_t{16} << 20;  // or twice the fleet, if that is more
inline constexpr std::uint64_t kRecordBytes = std::uint64_t{128} << 20;  // all, unless one segment alone has more

struct SegmentSize {
  std::uint64_t first = 0;
  std::uint32_t records = 0;
  std::uint64_t bytes = 0;
  friend bool operator==(const SegmentSize&, const SegmentSize&) = default;
};

// What is recorded so far, and the fleet that the newest record was made of: the next one says what is
// different from it. After a load that fleet is not known, and a new segment begins.
struct PlacementChain {
  std::uint64_t last = 0;                // number of the newest record
  std::vector<SegmentSize> segments;     // the oldest first
  bool open = false;
  std::uint64_t whole = 0;               // bytes of the first record of the open segment
  std::vector<Candidate> fleet;          // by id
};

// Shared by copies of a model until one of them goes on.
using SharedChain = std::shared_ptr<PlacementChain>;
PlacementChain& own(SharedChain& chain);

void add_record(PlacementChain& chain, const PlacementRecord& record);
void drop_before(PlacementChain& chain, std::uint64_t first_kept);

// Gives the record its number, its segment, and what is different in the fleet: `hosts`, sorted by id. With
// `changed` no other host is looked at.
void link(PlacementRecord& record, const PlacementChain& chain, std::span<const Candidate> hosts,
          const std::set<HostId>* changed = nullptr);
// The first record that is kept once this one is there; nothing: all are.
std::optional<std::uint64_t> first_kept(const PlacementChain& chain);

}  // namespace dure::control
