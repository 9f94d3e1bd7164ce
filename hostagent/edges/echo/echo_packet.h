#pragma once

#include <array>
#include <cstddef>
#include <cstdint>
#include <optional>
#include <span>

namespace dure::host {

// ICMP echo (RFC 792) with a secret: only who has seen the question can answer it.
struct Echo {
  std::uint16_t identifier = 0;
  std::uint16_t sequence = 0;
  std::array<std::uint8_t, 16> secret{};
  friend bool operator==(const Echo&, const Echo&) = default;
};

inline constexpr std::size_t kEchoBytes = 8 + 16;
using EchoBytes = std::array<std::uint8_t, kEchoBytes>;

EchoBytes echo_request(const Echo& echo);

// The echo that these bytes answer; nothing: they are something else.
std::optional<Echo> read_echo_reply(std::span<const std::uint8_t> icmp);

// What follows the IPv4 header; empty: the bytes are no IPv4 packet.
std::span<const std::uint8_t> behind_ipv4_header(std::span<const std::uint8_t> packet);

}  // namespace dure::host
