#pragma once

#include "controlnode/core/deciding.h"

namespace dure::control {

// A report is an observation and nothing more: it changes rows of its own host only. One that is not
// believable (another host or system, an old sequence, numbers beyond all bounds) changes nothing.
void decide_report(Deciding& deciding, const ReportEvent& event);

}  // namespace dure::control
