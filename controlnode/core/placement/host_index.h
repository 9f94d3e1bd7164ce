#pragma once

#include <limits>
#include <map>
#include <set>
#include <span>
#include <unordered_map>
#include <vector>

#include "controlnode/core/placement/cost.h"

namespace dure::control {

// What a request says about all hosts of one group.
struct GroupTerm {
  bool allowed = false;
  std::uint64_t prefix = 0;    // compared before the cost
  std::int64_t extra = 0;      // added to the cost
  std::uint32_t at_site = 0;   // compared after the cost
};

// The best place so far, in the order of comparison.
struct Choice {
  std::uint64_t prefix = std::numeric_limits<std::uint64_t>::max();
  std::int64_t cost = std::numeric_limits<std::int64_t>::max();
  std::uint32_t at_site = 0;
  Rank rank = std::numeric_limits<Rank>::max();
  bool found() const { return rank != std::numeric_limits<Rank>::max(); }
  friend auto operator<=>(const Choice&, const Choice&) = default;
};

// Hosts by what is free on them, so that the best of many is found by looking at few. Three levels:
//   section  hosts of one group and one size
//   cell     of a section: free vCPUs and memory in the same sixteenth of the total
//   state    of a cell: exactly the same free; its hosts are as good as each other, the least rank wins
// A search bounds the cost of each cell that is not empty and looks into those that may hold the best.
class HostIndex {
 public:
  static constexpr std::uint32_t kNowhere = std::numeric_limits<std::uint32_t>::max();

  struct Entry {
    Amounts free{};
    std::uint32_t booting = 0;
    std::uint32_t state = kNowhere;
  };

  // The number of a size; equal sizes have one number.
  std::uint32_t size_of(const Amounts& total);
  const HostSize& size(std::uint32_t number) const { return sizes_[number]; }

  // Both give the state's number, for erase().
  std::uint32_t insert(Rank rank, std::uint32_t group, std::uint32_t size, const Amounts& free,
                       std::uint32_t booting);
  void erase(Rank rank, std::uint32_t state);

  struct Query {
    std::span<const GroupTerm> groups;
    Cost cost;
    Amounts wanted{};
    std::span<const std::uint32_t> room_of{};  // by rank
    std::span<const std::uint32_t> full{};     // rooms that no host is taken from; few
  };
  // Betters `best` if the index holds something better.
  void search(const Query& query, Choice& best) const;

  // fn(group, size, entry, hosts) for every state of the groups that covers what is wanted.
  template <class Fn>
  void each_state(const Query& query, Fn fn) const {
    for (const Section& section : sections_) {
      if (!query.groups[section.group].allowed) continue;
      for (const std::uint32_t number : section.cells) {
        for (const Entry& entry : cells_[number].entries) {
          if (covers(entry.free, query.wanted)) fn(section.group, section.size, entry, states_[entry.state].hosts);
        }
      }
    }
  }

  // Of all hosts that were ever here.
  std::size_t sizes() const { return sizes_.size(); }
  std::size_t states() const { return states_.size() - spare_states_.size(); }
  std::size_t memory_bytes() const;

 private:
  static constexpr std::uint32_t kSteps = 16;

  struct Section {
    std::uint32_t group = 0, size = 0;
    std::array<std::uint32_t, kSteps * kSteps> cell_at{};
    std::vector<std::uint32_t> cells;  // not empty ones
  };
  struct Cell {
    std::uint32_t section = 0, place = 0, position = 0;  // in Section::cells
    std::vector<Entry> entries;
  };
  struct State {
    std::uint32_t cell = 0, position = 0;  // in Cell::entries
    std::set<Rank> hosts;
  };

  std::uint32_t section_of(std::uint32_t group, std::uint32_t size);
  std::uint32_t cell_of(std::uint32_t section, const Amounts& free);
  void drop_cell(std::uint32_t number);
  std::int64_t bound(const Section& section, const Cell& cell, const Query& query) const;
  void search_cell(const Cell& cell, const GroupTerm& term, const Query& query, Choice& best) const;

  std::vector<HostSize> sizes_;
  std::map<Amounts, std::uint32_t> size_numbers_;
  std::map<std::pair<std::uint32_t, std::uint32_t>, std::uint32_t> section_numbers_;
  std::vector<Section> sections_;
  std::vector<Cell> cells_;
  std::vector<std::uint32_t> spare_cells_;
  std::vector<State> states_;
  std::vector<std::uint32_t> spare_states_;
};

}  // namespace dure::control
