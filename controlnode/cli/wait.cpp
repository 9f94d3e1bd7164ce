#include "controlnode/cli/wait.h"

#include <algorithm>
#include <boost/json.hpp>
#include <chrono>

#include "controlnode/cli/layout.h"
#include "controlnode/cli/progress.h"

namespace dure::cli {
namespace {

namespace json = boost::json;

constexpr Duration kInterval = std::chrono::milliseconds(500);

Failure still_running(Exit exit, const std::string& id) {
  Failure failure;
  failure.exit = exit;
  failure.message = (exit == Exit::timed_out ? "the time to wait has passed; still running: "
                                             : "detached; still running: ") +
                    id;
  failure.hint = "to come back: dure operation wait " + id;
  return failure;
}

Failure ended_badly(const json::object& operation, const std::string& id, const std::string& state) {
  const auto* error = operation.if_contains("error");
  const auto text = error == nullptr ? std::string() : plain(*error);
  Failure failure;
  failure.message = "operation " + id + (state == "failed" ? " has failed" : " was cancelled") + (text.empty() ? "" : ": " + text);
  return failure;
}

}  // namespace

Outcome<json::object> wait_for_operation(ApiClient& api, Patience& patience, Terminal& terminal,
                                         const std::string& id, Duration at_most) {
  patience.listen();
  ProgressView view(terminal);
  const auto begun = patience.now();
  bool away = false;
  for (;;) {
    const auto answer = api.get("/operations/" + path_segment(id));
    const auto elapsed = patience.now() - begun;
    if (answer && answer->is_object()) {
      const auto& operation = answer->get_object();
      if (away) view.note("the control node answers again");
      away = false;
      view.update(operation, elapsed);
      const auto state = member(operation, "state");
      if (state == "succeeded" || state == "failed" || state == "cancelled") {
        if (const auto warning = member(operation, "warning"); !warning.empty()) view.note("warning: " + printable(warning));
      }
      if (state == "succeeded") return operation;
      if (state == "failed" || state == "cancelled") return ended_badly(operation, id, state);
    } else if (answer) {
      return Failure{Exit::failure, "the answer is not of an operation", {}, {}, {}, false, 0};
    } else if (answer.failure().exit == Exit::interrupted) {
      return still_running(Exit::interrupted, id);
    } else if (!answer.failure().transient) {
      return answer.failure();
    } else if (!away) {
      view.note("the control node does not answer; still waiting");
      away = true;
    }
    if (elapsed >= at_most) return still_running(Exit::timed_out, id);
    if (patience.pause(std::min(kInterval, at_most - elapsed))) {
      return still_running(Exit::interrupted, id);
    }
  }
}

}  // namespace dure::cli
