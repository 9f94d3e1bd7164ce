#pragma once

#include <functional>

#include "common/result.h"
#include "controlnode/core/change.h"
#include "controlnode/core/model_view.h"
#include "controlnode/core/requests.h"

namespace dure::control {

// What the HTTP edge drives. Calls return at once; the callback runs later on the deciding thread
// and must not block. When the queue is full the callback gets `unavailable` at once.
class Api {
 public:
  virtual ~Api() = default;

  // After the transaction is durable.
  virtual void submit(Request request, std::function<void(Result<Reply>)> done) = 0;

  // Reads a consistent state: `read` runs on the deciding thread between two decisions.
  // `unavailable` while there is no database.
  virtual void query(std::function<void(const Result<ModelView>&)> read) = 0;

  // The history after `number`, oldest first.
  virtual void events(std::uint64_t after, std::size_t limit,
                      std::function<void(Result<std::vector<EventRow>>)> done) = 0;

  // Decisions about hosts, newest first, each without its fleet.
  virtual void placements(PlacementQuery query, std::function<void(Result<std::vector<PlacementRecord>>)> done) = 0;
  // One of them with its fleet. `not_found`: there is none of this number, or not any more.
  virtual void placement(std::uint64_t number, std::function<void(Result<RecordedPlacement>)> done) = 0;
};

}  // namespace dure::control
