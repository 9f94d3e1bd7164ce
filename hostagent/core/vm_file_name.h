#pragma once

#include <charconv>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>

#include "common/ids.h"

namespace dure::host {

// A VM's files are named by VM and generation, so that what exists tells by itself what it belongs
// to: vm-<uuid>.g<generation><suffix>.
struct VmFileName {
  NodeId id;
  std::uint64_t generation = 0;
  friend bool operator==(const VmFileName&, const VmFileName&) = default;
};

inline std::string vm_file_name(const VmFileName& name, std::string_view suffix) {
  return "vm-" + name.id.str() + ".g" + std::to_string(name.generation) + std::string(suffix);
}

// Exactly what vm_file_name() makes; anything else in the directory is not ours.
inline std::optional<VmFileName> parse_vm_file_name(std::string_view text, std::string_view suffix) {
  constexpr std::size_t kUuidLength = 36;
  if (!text.starts_with("vm-") || !text.ends_with(suffix)) return std::nullopt;
  text.remove_prefix(3);
  if (text.size() < kUuidLength + 3 + suffix.size()) return std::nullopt;
  const auto id = NodeId::parse(text.substr(0, kUuidLength));
  text.remove_prefix(kUuidLength);
  text.remove_suffix(suffix.size());
  if (!id || !text.starts_with(".g")) return std::nullopt;
  text.remove_prefix(2);
  std::uint64_t generation = 0;
  const auto [end, failure] = std::from_chars(text.data(), text.data() + text.size(), generation);
  if (failure != std::errc{} || end != text.data() + text.size()) return std::nullopt;
  if (text.front() == '0' && text.size() > 1) return std::nullopt;
  return VmFileName{*id, generation};
}

}  // namespace dure::host
