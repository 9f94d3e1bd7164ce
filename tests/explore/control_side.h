#pragma once

#include <optional>
#include <span>
#include <string>
#include <vector>

#include "controlnode/core/decide.h"
#include "tests/explore/campus.h"
#include "tests/explore/world.h"

namespace dure::explore {

// What ControlLoop and Pump do around decide(): one step of it, from one control state to another.

// A decision that cannot be right whatever it is about: it threw, or nobody would be woken for what it waits for.
struct Broken {
  std::string what;
};

ControlRef make_control(control::Model model, SteadyPoint now);

// Null: nothing of it has an effect.
ControlRef ask(const Control& before, const Ask& ask, std::uint8_t occurrence);
ControlRef take_report(const ControlRef& before, HostReport report);
// Reports of that instant, and then time itself.
ControlRef tick(const Control& before, SteadyPoint now, std::vector<HostReport> reports);
// Another process takes the lead with what is stored.
ControlRef restart(const Control& before);

const control::Host* host_of(const Control& control, const Pc& pc);
// Its key is admitted, and its line is not cut.
bool speaks(const Control& control, const Pc& pc);
// The newest order, when the pump would send it now.
std::shared_ptr<const HostOrder> due_order(const Control& control, const Pc& pc, std::size_t slot);
// When something is to be done that no report is needed for; who speaks, reports in time.
std::optional<SteadyPoint> next_due(const State& state);

// The relation of a PC to what the control node has of it, as far as it matters for what can come.
void add_relation(Hasher& hasher, const Control& control, const Pc& pc, const LateReport* late);

HostId replacement_id(std::size_t pc, std::uint8_t occurrence);

}  // namespace dure::explore
