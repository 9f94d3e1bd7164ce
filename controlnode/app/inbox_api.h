#pragma once

#include "controlnode/app/control_event.h"
#include "controlnode/ports/agent_link.h"
#include "controlnode/ports/api.h"

namespace dure::control {

// The API's and the link's side of the queue.
class InboxApi : public Api, public AgentLinkListener {
 public:
  explicit InboxApi(ControlInbox& inbox) : inbox_(inbox) {}

  void submit(Request request, std::function<void(Result<Reply>)> done) override;
  void query(std::function<void(const Result<ModelView>&)> read) override;
  void events(std::uint64_t after, std::size_t limit,
              std::function<void(Result<std::vector<EventRow>>)> done) override;
  void placements(PlacementQuery query,
                  std::function<void(Result<std::vector<PlacementRecord>>)> done) override;
  void placement(std::uint64_t number, std::function<void(Result<RecordedPlacement>)> done) override;
  void on_agent_message(const HostId& host, std::string bytes) override;

 private:
  ControlInbox& inbox_;
};

}  // namespace dure::control
