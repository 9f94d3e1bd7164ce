#include "hostagent/app/agent_queue.h"

#include <algorithm>

#include "hostagent/app/agent_loop.h"

namespace dure::host {

Result<void> run_until_closed(AgentLoop& loop, AgentQueue& queue, Clock& clock) {
  if (auto started = loop.start(); !started) return started;
  while (!queue.events().closed()) {
    const auto left = std::max(loop.next_wake() - clock.now(), Duration::zero());
    loop.handle_all(queue.events().pop_all(std::chrono::steady_clock::now() + left));
    loop.handle(Tick{});
  }
  return {};
}

}  // namespace dure::host
