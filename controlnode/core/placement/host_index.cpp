#include "controlnode/core/placement/host_index.h"

#include <algorithm>
#include <optional>

namespace dure::control {
namespace {

std::uint32_t step_of(std::int64_t free, std::int64_t total, std::uint32_t steps) {
  if (free <= 0 || total <= 0) return 0;
  return static_cast<std::uint32_t>(std::min<std::int64_t>(free * steps / total, steps - 1));
}

// What is free in a step: [low, high].
std::int64_t low_of(std::uint32_t step, std::int64_t total, std::uint32_t steps) {
  return (total * step + steps - 1) / steps;
}
std::int64_t high_of(std::uint32_t step, std::int64_t total, std::uint32_t steps) {
  return step + 1 == steps ? total : (total * (step + 1) + steps - 1) / steps - 1;
}

}  // namespace

std::uint32_t HostIndex::size_of(const Amounts& total) {
  const auto [found, fresh] = size_numbers_.try_emplace(total, static_cast<std::uint32_t>(sizes_.size()));
  if (fresh) sizes_.emplace_back(total);
  return found->second;
}

std::uint32_t HostIndex::section_of(std::uint32_t group, std::uint32_t size) {
  const auto [found, fresh] =
      section_numbers_.try_emplace({group, size}, static_cast<std::uint32_t>(sections_.size()));
  if (fresh) {
    Section& section = sections_.emplace_back();
    section.group = group;
    section.size = size;
    section.cell_at.fill(kNowhere);
  }
  return found->second;
}

std::uint32_t HostIndex::cell_of(std::uint32_t section_number, const Amounts& free) {
  Section& section = sections_[section_number];
  const Amounts& total = sizes_[section.size].total;
  const std::uint32_t place =
      step_of(free[0], total[0], kSteps) * kSteps + step_of(free[1], total[1], kSteps);
  if (section.cell_at[place] != kNowhere) return section.cell_at[place];
  std::uint32_t number = static_cast<std::uint32_t>(cells_.size());
  if (spare_cells_.empty()) {
    cells_.emplace_back();
  } else {
    number = spare_cells_.back();
    spare_cells_.pop_back();
  }
  Cell& cell = cells_[number];
  cell.section = section_number;
  cell.place = place;
  cell.position = static_cast<std::uint32_t>(section.cells.size());
  section.cell_at[place] = number;
  section.cells.push_back(number);
  return number;
}

void HostIndex::drop_cell(std::uint32_t number) {
  Cell& cell = cells_[number];
  Section& section = sections_[cell.section];
  section.cell_at[cell.place] = kNowhere;
  const std::uint32_t last = section.cells.back();
  section.cells[cell.position] = last;
  cells_[last].position = cell.position;
  section.cells.pop_back();
  spare_cells_.push_back(number);
}

std::uint32_t HostIndex::insert(Rank rank, std::uint32_t group, std::uint32_t size, const Amounts& free,
                                std::uint32_t booting) {
  const std::uint32_t cell_number = cell_of(section_of(group, size), free);
  Cell& cell = cells_[cell_number];
  for (const Entry& entry : cell.entries) {
    if (entry.free == free && entry.booting == booting) {
      states_[entry.state].hosts.insert(rank);
      return entry.state;
    }
  }
  std::uint32_t number = static_cast<std::uint32_t>(states_.size());
  if (spare_states_.empty()) {
    states_.emplace_back();
  } else {
    number = spare_states_.back();
    spare_states_.pop_back();
  }
  State& state = states_[number];
  state.cell = cell_number;
  state.position = static_cast<std::uint32_t>(cell.entries.size());
  state.hosts.insert(rank);
  cell.entries.push_back({free, booting, number});
  return number;
}

void HostIndex::erase(Rank rank, std::uint32_t number) {
  State& state = states_[number];
  state.hosts.erase(rank);
  if (!state.hosts.empty()) return;
  Cell& cell = cells_[state.cell];
  cell.entries[state.position] = cell.entries.back();
  states_[cell.entries[state.position].state].position = state.position;
  cell.entries.pop_back();
  spare_states_.push_back(number);
  if (cell.entries.empty()) drop_cell(state.cell);
}

std::int64_t HostIndex::bound(const Section& section, const Cell& cell, const Query& query) const {
  const HostSize& size = sizes_[section.size];
  const std::uint32_t vcpus = cell.place / kSteps, memory = cell.place % kSteps;
  const Amounts high{high_of(vcpus, size.total[0], kSteps), high_of(memory, size.total[1], kSteps),
                     size.total[2]};
  if (!covers(high, query.wanted)) return std::numeric_limits<std::int64_t>::max();
  const Amounts low{low_of(vcpus, size.total[0], kSteps), low_of(memory, size.total[1], kSteps), 0};
  return query.cost.least(size, low, high) + query.groups[section.group].extra;
}

void HostIndex::search(const Query& query, Choice& best) const {
  // The cell that promises most is looked into first, so that its best rules out most of the others.
  struct Promise {
    std::uint64_t prefix;
    std::int64_t cost;
    std::uint32_t cell;
  };
  std::vector<Promise> promises;
  std::size_t first = 0;
  const auto before = [](const Promise& a, const Promise& b) {
    return a.prefix != b.prefix ? a.prefix < b.prefix : a.cost < b.cost;
  };
  for (const Section& section : sections_) {
    const GroupTerm& term = query.groups[section.group];
    if (!term.allowed || term.prefix > best.prefix) continue;
    for (const std::uint32_t number : section.cells) {
      const std::int64_t cost = bound(section, cells_[number], query);
      if (cost == std::numeric_limits<std::int64_t>::max()) continue;
      promises.push_back({term.prefix, cost, number});
      if (before(promises.back(), promises[first])) first = promises.size() - 1;
    }
  }
  if (promises.empty()) return;
  std::swap(promises[0], promises[first]);
  for (const Promise& promise : promises) {
    if (promise.prefix > best.prefix || (promise.prefix == best.prefix && promise.cost > best.cost)) continue;
    const Cell& cell = cells_[promise.cell];
    search_cell(cell, query.groups[sections_[cell.section].group], query, best);
  }
}

void HostIndex::search_cell(const Cell& cell, const GroupTerm& term, const Query& query, Choice& best) const {
  const HostSize& size = sizes_[sections_[cell.section].size];
  for (const Entry& entry : cell.entries) {
    if (!covers(entry.free, query.wanted)) continue;
    Choice choice{term.prefix, query.cost.of(size, entry.free, entry.booting) + term.extra, term.at_site, 0};
    if (best < choice) continue;
    for (const Rank rank : states_[entry.state].hosts) {
      choice.rank = rank;
      if (!query.full.empty() &&
          std::find(query.full.begin(), query.full.end(), query.room_of[rank]) != query.full.end()) {
        continue;
      }
      best = std::min(best, choice);
      break;
    }
  }
}

std::size_t HostIndex::memory_bytes() const {
  // A node of a set: colour, three links, the number.
  constexpr std::size_t kSetNode = 48;
  std::size_t sum = sections_.capacity() * sizeof(Section) + cells_.capacity() * sizeof(Cell) +
                    states_.capacity() * sizeof(State) + spare_cells_.capacity() * sizeof(std::uint32_t) +
                    spare_states_.capacity() * sizeof(std::uint32_t) + sizes_.capacity() * sizeof(HostSize);
  for (const Section& section : sections_) sum += section.cells.capacity() * sizeof(std::uint32_t);
  for (const Cell& cell : cells_) sum += cell.entries.capacity() * sizeof(Entry);
  for (const State& state : states_) sum += state.hosts.size() * kSetNode;
  return sum;
}

}  // namespace dure::control
