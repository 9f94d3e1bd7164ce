#include "hostagent/app/agent_queue.h"

#include <algorithm>

#include "hostagent/app/agent_loop.h"

namespace dure::host {

Result<void> run_until_closed(AgentLoop& loop, AgentQueue& queue, SteadyClock& clock) {
  if (auto started = loop.start(); !started) return started;
  auto wake = loop.step({});
  while (!queue.events().closed()) {
    const auto left = std::max(wake - clock.now(), Duration::zero());
    wake = loop.step(queue.events().pop_all(std::chrono::steady_clock::now() + left));
  }
  return {};
}

}  // namespace dure::host
