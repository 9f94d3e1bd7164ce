#include "hostagent/edges/echo/echo_packet.h"

#include <algorithm>

namespace dure::host {
namespace {

constexpr std::uint8_t kEchoReply = 0, kEchoRequest = 8;
constexpr std::size_t kHeader = 8;

void put_u16(std::span<std::uint8_t> bytes, std::size_t at, std::uint16_t value) {
  bytes[at] = static_cast<std::uint8_t>(value >> 8);
  bytes[at + 1] = static_cast<std::uint8_t>(value & 0xff);
}

std::uint16_t get_u16(std::span<const std::uint8_t> bytes, std::size_t at) {
  return static_cast<std::uint16_t>(bytes[at] << 8 | bytes[at + 1]);
}

// RFC 1071, over an even number of bytes.
std::uint16_t checksum(std::span<const std::uint8_t> bytes) {
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i + 1 < bytes.size(); i += 2) sum += get_u16(bytes, i);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  return static_cast<std::uint16_t>(~sum);
}

}  // namespace

EchoBytes echo_request(const Echo& echo) {
  EchoBytes bytes{};
  bytes[0] = kEchoRequest;
  put_u16(bytes, 4, echo.identifier);
  put_u16(bytes, 6, echo.sequence);
  std::copy(echo.secret.begin(), echo.secret.end(), bytes.begin() + kHeader);
  put_u16(bytes, 2, checksum(bytes));
  return bytes;
}

std::optional<Echo> read_echo_reply(std::span<const std::uint8_t> icmp) {
  if (icmp.size() != kEchoBytes || icmp[0] != kEchoReply || icmp[1] != 0) return std::nullopt;
  // Damage shows in what is compared, so that the checksum need not be looked at.
  Echo echo{get_u16(icmp, 4), get_u16(icmp, 6), {}};
  std::copy_n(icmp.begin() + kHeader, echo.secret.size(), echo.secret.begin());
  return echo;
}

std::span<const std::uint8_t> behind_ipv4_header(std::span<const std::uint8_t> packet) {
  constexpr std::size_t kShortest = 20;
  if (packet.size() < kShortest || packet[0] >> 4 != 4) return {};
  const std::size_t header = (packet[0] & 0xfU) * std::size_t{4};
  if (header < kShortest || header > packet.size()) return {};
  return packet.subspan(header);
}

}  // namespace dure::host
