#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controlnode/core/placement/host_index.h"

namespace dure::control {

// What hosts have in common that rules ask for; each group is asked once, not each host.
struct HostGroup {
  std::uint32_t site = 0;
  HostClass host_class = HostClass::scavenged;
  std::vector<std::uint32_t> labels;   // sorted
  std::vector<BusyWindow> busy;        // sorted
  std::vector<ImageId> images;         // sorted
  friend auto operator<=>(const HostGroup&, const HostGroup&) = default;
};

// Numbers for values, in the order of their arrival.
template <class Value>
class Numbers {
 public:
  std::uint32_t add(const Value& value) {
    const auto [found, fresh] = numbers_.try_emplace(value, static_cast<std::uint32_t>(values_.size()));
    if (fresh) values_.push_back(value);
    return found->second;
  }
  std::optional<std::uint32_t> find(const Value& value) const {
    const auto found = numbers_.find(value);
    if (found == numbers_.end()) return std::nullopt;
    return found->second;
  }
  const Value& operator[](std::uint32_t number) const { return values_[number]; }
  std::uint32_t size() const { return static_cast<std::uint32_t>(values_.size()); }

 private:
  std::map<Value, std::uint32_t> numbers_;
  std::vector<Value> values_;
};

using Room = std::pair<std::uint32_t, std::string>;  // site and name

// All hosts, compactly, with the index that finds places on them. What is taken and given back
// changes the index at the cost of one host. Equal fleets decide alike, whatever their history.
class Fleet {
 public:
  Fleet() = default;
  explicit Fleet(std::span<const Candidate> hosts);

  std::size_t size() const { return ids_.size(); }
  const HostId& id(Rank rank) const { return ids_[rank]; }
  std::optional<Rank> find(const HostId& id) const;

  const Amounts& free(Rank rank) const { return free_[rank]; }
  const Amounts& total(Rank rank) const { return index_.size(size_[rank]).total; }
  const HostSize& host_size(Rank rank) const { return index_.size(size_[rank]); }
  std::uint32_t nodes(Rank rank) const { return nodes_[rank]; }
  std::uint32_t booting(Rank rank) const { return booting_[rank]; }
  // Free as far as others are concerned: not cordoned, heard of, not crowded.
  bool usable(Rank rank) const;
  Unusable reason(Rank rank) const { return reason_[rank]; }

  std::uint32_t group(Rank rank) const { return group_[rank]; }
  const Numbers<HostGroup>& groups() const { return groups_; }
  const Numbers<SiteId>& sites() const { return sites_; }
  const Numbers<std::string>& labels() const { return labels_; }
  const Numbers<Room>& rooms() const { return rooms_; }
  std::uint32_t room(Rank rank) const { return room_[rank]; }
  std::span<const std::uint32_t> room_of() const { return room_; }
  std::span<const Rank> hosts_in(std::uint32_t room) const { return in_room_[room]; }

  // A node comes or goes.
  void take(Rank rank, const Amounts& amount);
  void give_back(Rank rank, const Amounts& amount);
  void set_reason(Rank rank, Unusable reason);
  void set_booting(Rank rank, std::uint32_t booting);
  // Changes what is there at all, and with it what is free.
  void grow(Rank rank, const Amounts& by);

  // Out of the index while one request weighs the host by itself, and back into it.
  void lift(Rank rank);
  void put_back(Rank rank);

  const Amounts& total() const { return all_; }  // of all hosts

  // What a placement of `wanted` should count as dear now.
  Worth worth(const Amounts& wanted) const { return Worth::of(all_, all_free_, guests_, wanted, proportions_); }

  const HostIndex& index() const { return index_; }
  std::size_t memory_bytes() const;

 private:
  void file(Rank rank);     // into the index if it is usable
  void unfile(Rank rank);

  std::vector<HostId> ids_;  // sorted
  std::vector<Amounts> free_;
  std::vector<std::uint32_t> size_, group_, room_, nodes_, booting_, state_;
  std::vector<Unusable> reason_;
  std::vector<std::uint8_t> lifted_;
  std::vector<std::vector<Rank>> in_room_;
  Numbers<HostGroup> groups_;
  Numbers<SiteId> sites_;
  Numbers<std::string> labels_;
  Numbers<Room> rooms_;
  HostIndex index_;
  Amounts all_{}, all_free_{};  // of the whole fleet
  Proportions proportions_;
  std::uint64_t guests_ = 0;
};

// The first busy window that the lease would meet; none: the host is free for all of it.
const BusyWindow* meets(const std::vector<BusyWindow>& sorted, TimePoint from,
                        const std::optional<TimePoint>& until);

}  // namespace dure::control
