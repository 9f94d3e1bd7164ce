#pragma once

#include <cstdint>
#include <functional>
#include <string>
#include <variant>
#include <vector>

#include "common/ids.h"
#include "common/result.h"
#include "controlnode/core/change.h"
#include "controlnode/core/model_view.h"
#include "controlnode/core/requests.h"

namespace dure::control {

struct AgentSpoke { HostId host; std::string bytes; };
struct RequestArrived { Request request; std::function<void(Result<Reply>)> done; };
struct QueryArrived { std::function<void(const Result<ModelView>&)> read; };
struct EventsAsked {
  std::uint64_t after = 0;
  std::size_t limit = 0;
  std::function<void(Result<std::vector<EventRow>>)> done;
};
struct PlacementsAsked {
  PlacementQuery query;
  std::function<void(Result<std::vector<PlacementRecord>>)> done;
};
struct PlacementAsked {
  std::uint64_t number = 0;
  std::function<void(Result<RecordedPlacement>)> done;
};
struct TimePassed {};

using ControlEvent = std::variant<AgentSpoke, RequestArrived, QueryArrived, EventsAsked, PlacementsAsked,
                                  PlacementAsked, TimePassed>;

// The bounded queue in front of the deciding thread; from any thread.
class ControlInbox {
 public:
  virtual ~ControlInbox() = default;
  // False when the queue is full: the event is dropped, and for a request the caller says so.
  virtual bool post(ControlEvent event) = 0;
};

}  // namespace dure::control
