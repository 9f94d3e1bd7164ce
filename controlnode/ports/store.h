#pragma once

#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <utility>
#include <vector>

#include "common/result.h"
#include "controlnode/core/change.h"
#include "controlnode/core/model.h"

namespace dure::control {

// The durable truth. Every method but begin_commit may block; it is called from one thread.
class Store {
 public:
  virtual ~Store() = default;

  // Takes the lead: raises the stored epoch above itself and above `at_least`, and names the holder.
  // From then on every commit with an older epoch is refused with `lost_leadership`.
  virtual Result<std::uint64_t> take_lead(std::string_view holder, std::uint64_t at_least) = 0;

  // Who leads with `epoch` goes on with a higher one, above `at_least` as well. `lost_leadership`: another epoch leads.
  virtual Result<std::uint64_t> rise_above(std::uint64_t epoch, std::uint64_t at_least) = 0;

  // The installation's id; made on the first call from `fresh`.
  virtual Result<SystemId> system_id(const SystemId& fresh) = 0;

  // Everything that is stored. fence, settings and observations' freshness are the caller's to fill.
  virtual Result<Model> load() = 0;

  // One transaction, all or nothing, only while `epoch` leads. `in_doubt`: it may have happened;
  // load again. `unavailable`: it has not happened.
  virtual Result<void> commit(std::uint64_t epoch, std::span<const Change> changes) = 0;

  // The same in two parts, so that the next batch is decided while this one becomes durable: what begins goes on
  // by itself, and finish_commit waits for its outcome. One at a time; `changes` stay as they are until then, and
  // no other method is called in between. Nothing to finish: success.
  virtual void begin_commit(std::uint64_t epoch, std::span<const Change> changes) = 0;
  virtual Result<void> finish_commit() = 0;

  // History after `number`, oldest first, at most `limit`.
  virtual Result<std::vector<EventRow>> events(std::uint64_t after, std::size_t limit) = 0;

  // Decisions about hosts, newest first, each without its fleet.
  virtual Result<std::vector<PlacementRecord>> placement_records(const PlacementQuery& query) = 0;
  // One of them with its fleet; nothing: there is none of this number, or not any more.
  virtual Result<std::optional<RecordedPlacement>> placement_record(std::uint64_t number) = 0;
};

}  // namespace dure::control
