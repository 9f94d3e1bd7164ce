#pragma once

#include "controlnode/core/deciding.h"
#include "controlnode/core/requests.h"

namespace dure::control {

// Asking for what exists with equal content is accepted again; with other content it is refused.
Reply add_host(Deciding& deciding, const AddHost& request);
Reply update_host(Deciding& deciding, const UpdateHost& request);
Reply cordon_host(Deciding& deciding, const CordonHost& request);

// Ends what the control node has with this PC, without a word from it: its nodes and their claims go at once, its key is
// not admitted any more, and what it may still have is kept for whatever comes back in its place.
Reply lose_host(Deciding& deciding, const LoseHost& request);
// The same for who is in its place already, also where the host was not given up before.
Reply replace_host(Deciding& deciding, const ReplaceHost& request);

}  // namespace dure::control
