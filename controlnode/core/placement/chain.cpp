#include "controlnode/core/placement/chain.h"

#include <algorithm>

namespace dure::control {

PlacementChain& own(SharedChain& chain) {
  if (!chain) chain = std::make_shared<PlacementChain>();
  if (chain.use_count() > 1) chain = std::make_shared<PlacementChain>(*chain);
  return *chain;
}

void add_record(PlacementChain& chain, const PlacementRecord& record) {
  const bool begins = record.segment == record.number;
  if (begins) {
    chain.fleet.clear();
    chain.whole = record.bytes;
    chain.open = true;
  }
  if (chain.segments.empty() || chain.segments.back().first != record.segment) {
    chain.segments.push_back({record.segment, 0, 0});
    chain.open = begins;
  }
  ++chain.segments.back().records;
  chain.segments.back().bytes += record.bytes;
  chain.last = std::max(chain.last, record.number);
  if (chain.open) apply_delta(chain.fleet, record.fleet);
}

void drop_before(PlacementChain& chain, std::uint64_t first_kept) {
  std::erase_if(chain.segments, [&](const SegmentSize& segment) { return segment.first < first_kept; });
}

void link(PlacementRecord& record, const PlacementChain& chain, std::span<const Candidate> hosts,
          const std::set<HostId>* changed) {
  record.number = chain.last + 1;
  bool begins = !chain.open || chain.segments.empty();
  if (!begins) {
    const SegmentSize& segment = chain.segments.back();
    const std::uint64_t twice = 2 * chain.whole;
    begins = segment.bytes >= (segment.records >= kSegmentRecords ? twice : std::max(kSegmentBytes, twice));
  }
  record.segment = begins ? record.number : chain.segments.back().first;
  if (begins) {
    record.fleet = difference({}, hosts);
  } else {
    record.fleet = changed == nullptr ? difference(chain.fleet, hosts) : difference(chain.fleet, hosts, *changed);
  }
  record.bytes = weight_of(record);
}

std::optional<std::uint64_t> first_kept(const PlacementChain& chain) {
  std::uint64_t bytes = 0;
  std::size_t kept = 0;
  for (auto segment = chain.segments.rbegin(); segment != chain.segments.rend(); ++segment) {
    bytes += segment->bytes;
    if (kept == kSegments || (kept > 0 && bytes > kRecordBytes)) return std::prev(segment)->first;
    ++kept;
  }
  return std::nullopt;
}

}  // namespace dure::control
