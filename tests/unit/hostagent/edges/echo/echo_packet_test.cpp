#include "hostagent/edges/echo/echo_packet.h"

#include <doctest/doctest.h>

#include <vector>

using namespace dure::host;

namespace {

Echo sample() {
  Echo echo{0x1234, 0x0007, {}};
  for (std::size_t i = 0; i < echo.secret.size(); ++i) echo.secret[i] = static_cast<std::uint8_t>(i + 1);
  return echo;
}

EchoBytes answer_of(EchoBytes bytes) {
  bytes[0] = 0;
  return bytes;
}

}  // namespace

TEST_CASE("echo: a question is 24 bytes whose sum is right") {
  const auto bytes = echo_request(sample());
  CHECK(bytes[0] == 8);
  CHECK(bytes[1] == 0);
  CHECK(bytes[4] == 0x12);
  CHECK(bytes[7] == 0x07);
  std::uint32_t sum = 0;
  for (std::size_t i = 0; i < bytes.size(); i += 2) sum += static_cast<std::uint32_t>(bytes[i] << 8 | bytes[i + 1]);
  while (sum >> 16 != 0) sum = (sum & 0xffff) + (sum >> 16);
  CHECK(sum == 0xffff);
}

TEST_CASE("echo: an answer says what was asked; anything else is no answer") {
  const auto answer = answer_of(echo_request(sample()));
  const auto read = read_echo_reply(answer);
  REQUIRE(read);
  CHECK(*read == sample());
  CHECK(!read_echo_reply(echo_request(sample())));
  auto other_code = answer;
  other_code[1] = 1;
  CHECK(!read_echo_reply(other_code));
  for (std::size_t length = 0; length < kEchoBytes; ++length) {
    CHECK(!read_echo_reply(std::span(answer).first(length)));
  }
  std::vector<std::uint8_t> longer(answer.begin(), answer.end());
  longer.push_back(0);
  CHECK(!read_echo_reply(longer));
}

TEST_CASE("echo: what is behind an IPv4 header of any length, within the packet") {
  std::vector<std::uint8_t> packet(24, 0);
  packet[0] = 0x45;
  CHECK(behind_ipv4_header(packet).size() == 4);
  packet[0] = 0x46;
  CHECK(behind_ipv4_header(packet).empty());
  packet.push_back(1);
  CHECK(behind_ipv4_header(packet).size() == 1);
  for (const int first : {0x44, 0x47, 0x65, 0x00}) {
    packet[0] = static_cast<std::uint8_t>(first);
    CHECK(behind_ipv4_header(packet).empty());
  }
  CHECK(behind_ipv4_header(std::span(packet).first(19)).empty());
  CHECK(behind_ipv4_header({}).empty());
}
