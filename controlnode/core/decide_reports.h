#pragma once

#include "controlnode/core/deciding.h"

namespace dure::control {

// A report is an observation and nothing more: it changes rows of its own host only, but for what a
// control-plane guest says of its own cluster. One that is not
// believable (another host or system, an old sequence, numbers beyond all bounds) changes nothing.
void decide_report(Deciding& deciding, const ReportEvent& event);

// The node fails with the reason, or tells it where it cannot fail any more; its siblings on the host are ordered.
void decide_unsayable(Deciding& deciding, const UnsayableEvent& event);

}  // namespace dure::control
