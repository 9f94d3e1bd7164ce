#include "controlnode/app/inbox_api.h"

#include <utility>

#include "common/log.h"

namespace dure::control {
namespace {
const Error& busy() {
  static const Error error{Errc::unavailable, "the control node is busy; try again"};
  return error;
}
}  // namespace

void InboxApi::submit(Request request, std::function<void(Result<Reply>)> done) {
  auto keep = done;
  if (!inbox_.post(RequestArrived{std::move(request), std::move(done)})) keep(busy());
}

void InboxApi::query(std::function<void(const Result<ModelView>&)> read) {
  auto keep = read;
  if (!inbox_.post(QueryArrived{std::move(read)})) keep(busy());
}

void InboxApi::events(std::uint64_t after, std::size_t limit,
                      std::function<void(Result<std::vector<EventRow>>)> done) {
  auto keep = done;
  if (!inbox_.post(EventsAsked{after, limit, std::move(done)})) keep(busy());
}

void InboxApi::placements(PlacementQuery query,
                          std::function<void(Result<std::vector<PlacementRecord>>)> done) {
  auto keep = done;
  if (!inbox_.post(PlacementsAsked{std::move(query), std::move(done)})) keep(busy());
}

void InboxApi::placement(std::uint64_t number, std::function<void(Result<RecordedPlacement>)> done) {
  auto keep = done;
  if (!inbox_.post(PlacementAsked{number, std::move(done)})) keep(busy());
}

void InboxApi::on_agent_message(const HostId& host, std::string bytes) {
  // A full queue drops it: the next report says the same or newer.
  if (!inbox_.post(AgentSpoke{host, std::move(bytes)})) {
    log::warn("report dropped: queue full", {{"host", host.str()}});
  }
}

}  // namespace dure::control
