#pragma once

#include <map>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "controlnode/ports/store.h"

namespace dure::control {

// The store in memory, with the same contract as PostgreSQL's: references, unique names and numbers,
// capacity, text that can be stored. Survives its control node, so that a
// simulation restarts one over it.
class FakeStore : public Store {
 public:
  enum class Fault {
    none,
    unavailable,           // not applied, and known not to be
    in_doubt_applied,      // applied, but the answer was lost
    in_doubt_not_applied,  // lost before it was applied
  };
  // What happens to the next commit; once.
  void fail_next_commit(Fault fault) { fault_ = fault; }
  // While true every call is `unavailable`.
  void set_down(bool down) { down_ = down; }

  Result<std::uint64_t> take_lead(std::string_view holder, std::uint64_t at_least) override;
  Result<std::uint64_t> rise_above(std::uint64_t epoch, std::uint64_t at_least) override;
  Result<SystemId> system_id(const SystemId& fresh) override;
  Result<Model> load() override;
  Result<void> commit(std::uint64_t epoch, std::span<const Change> changes) override;
  // Nothing is stored before it is finished: nobody may act on it until then.
  void begin_commit(std::uint64_t epoch, std::span<const Change> changes) override;
  Result<void> finish_commit() override;
  Result<std::vector<EventRow>> events(std::uint64_t after, std::size_t limit) override;
  Result<std::vector<PlacementRecord>> placement_records(const PlacementQuery& query) override;
  Result<std::optional<RecordedPlacement>> placement_record(std::uint64_t number) override;

  // For looking from outside.
  const Model& stored() const { return model_; }
  std::uint64_t epoch() const { return epoch_; }
  const std::string& holder() const { return holder_; }
  std::uint64_t loads() const { return loads_; }
  std::uint64_t commits() const { return commits_; }
  std::uint64_t reads() const { return reads_; }  // of history and decisions

 private:
  using Events = std::map<std::uint64_t, EventRow>;
  using Placements = std::map<std::uint64_t, PlacementRecord>;

  Result<void> apply_all(std::span<const Change> changes);

  Model model_;
  Events events_;
  Placements placements_;
  std::uint64_t epoch_ = 0;
  std::string holder_;
  std::uint64_t commits_ = 0, loads_ = 0, reads_ = 0;
  Fault fault_ = Fault::none;
  std::optional<std::pair<std::uint64_t, std::span<const Change>>> under_way_;
  bool down_ = false;
};

}  // namespace dure::control
