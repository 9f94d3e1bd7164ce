#pragma once

#include <boost/json/object.hpp>
#include <string>

#include "controlnode/cli/api_client.h"
#include "controlnode/cli/terminal.h"

namespace dure::cli {

// Waits for an operation and shows its steps. The control node may go away and come back meanwhile.
// Ctrl-C (130) and the end of the time (7) are failures that say how to come back; neither cancels
// anything. The value is the operation that has succeeded.
Outcome<boost::json::object> wait_for_operation(ApiClient& api, Patience& patience,
                                                Terminal& terminal, const std::string& id,
                                                Duration at_most);

}  // namespace dure::cli
