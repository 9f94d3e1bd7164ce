#pragma once

#include <span>
#include <string>

#include "controlnode/core/placement/remedies.h"

namespace dure::control {

// Each follows "It would fit ".
std::string fewer_text(Role role, std::uint32_t left, std::uint32_t wanted);
std::string flavor_text(const FlavorOffer& flavor);
std::string without_text(RemedyKind kind);
std::string more_text(const Remedy& remedy, std::span<const std::string> names, const std::string& whole_room);
std::string later_text(TimePoint begin, const std::string& freed);

}  // namespace dure::control
