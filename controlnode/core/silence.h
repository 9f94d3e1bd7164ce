#pragma once

#include "controlnode/core/model.h"

namespace dure::control {

// Silence is counted in this lead: who led before may have heard a host until the end, so it counts from the beginning of
// the lead at the earliest.

// When the host was heard last, or the lead began.
SteadyPoint last_word(const Model& model, const HostId& host);
// The host has reported in this lead: what is known of it is of now.
bool heard(const Model& model, const HostId& host);

// Its nodes become unknown.
SteadyPoint silent_at(const Model& model, const HostId& host);
bool silent(const Model& model, const HostId& host, SteadyPoint now);
// Nothing waits for it any longer.
SteadyPoint missing_at(const Model& model, const HostId& host);
bool missing(const Model& model, const HostId& host, SteadyPoint now);

// It reports, and has not looked at its VMs for as long as would make it silent: what it hosts is unknown.
bool blind(const Model& model, const HostId& host, SteadyPoint now);

}  // namespace dure::control
