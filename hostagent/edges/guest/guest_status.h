#pragma once

#include <cstddef>
#include <optional>
#include <string_view>

#include "hostagent/ports/guest_channels.h"

namespace dure::host {

inline constexpr std::size_t kMaxGuestLineBytes = 4096;

// One line of a guest, without its line end:
//   {"v":1,"boot_id":"<uuid>","stages":[{"name":"booted","at_ms":1234}],"have":"<16 hex>",
//    "departed":["demo-w3"],"not_ready":["demo-w2"],"access":7,"error":"text"}
// All but the first three may be missing. The guest is hostile: an unknown key, a wrong type, a second stage or node of
// the same name, or anything beyond the bounds of GuestStatus refuses the line. What is not printable ASCII in `error`
// becomes '?', and more than 256 bytes are cut.
std::optional<GuestStatus> parse_guest_status(std::string_view line);

}  // namespace dure::host
