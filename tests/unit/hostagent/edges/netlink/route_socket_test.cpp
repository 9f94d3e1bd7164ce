#include "hostagent/edges/netlink/route_socket.h"

#include <doctest/doctest.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>

#include <cerrno>
#include <cstring>

using namespace dure;
using namespace dure::host;

namespace {

template <class T>
T at(const std::vector<std::byte>& bytes, std::size_t offset) {
  T value;
  REQUIRE(offset + sizeof value <= bytes.size());
  std::memcpy(&value, bytes.data() + offset, sizeof value);
  return value;
}

}  // namespace

TEST_CASE("a message is laid out as rtnetlink wants it: header, body, aligned and nested attributes") {
  NetlinkMessage message(RTM_NEWLINK, NLM_F_CREATE);
  message.body(ifinfomsg{}).put_string(IFLA_IFNAME, "dvb7").begin(IFLA_LINKINFO).put(1, std::uint8_t{5}).end();
  const auto& bytes = message.bytes();
  const auto header = at<nlmsghdr>(bytes, 0);
  CHECK(header.nlmsg_len == bytes.size());
  CHECK(header.nlmsg_flags == (NLM_F_REQUEST | NLM_F_CREATE));
  const std::size_t name = sizeof(nlmsghdr) + sizeof(ifinfomsg);
  CHECK(at<nlattr>(bytes, name).nla_len == 4 + 5);  // with its ending zero, without padding
  const std::size_t nest = name + 12;
  CHECK(at<nlattr>(bytes, nest).nla_type == (IFLA_LINKINFO | NLA_F_NESTED));
  CHECK(at<nlattr>(bytes, nest).nla_len == 4 + 8);
  CHECK(at<nlattr>(bytes, nest + 4).nla_len == 4 + 1);
  CHECK(bytes.size() == nest + 12);
}

TEST_CASE("refused messages of a long batch are named by their place, and the others are tried") {
  auto socket = RouteSocket::open();
  REQUIRE(socket.ok());
  // Asking to delete devices that do not exist needs no right and changes nothing.
  std::vector<NetlinkMessage> messages;
  for (int i = 0; i < 1500; ++i) {
    ifinfomsg link{};
    link.ifi_index = 0x7ffffff0;
    messages.emplace_back(std::uint16_t{RTM_DELLINK}, std::uint16_t{0});
    messages.back().body(link);
  }
  const auto refused = socket->send(messages);
  REQUIRE(refused.ok());
  REQUIRE(refused->size() == messages.size());
  for (std::size_t i = 0; i < refused->size(); ++i) {
    CHECK((*refused)[i].index == i);
    CHECK(((*refused)[i].error == ENODEV || (*refused)[i].error == EPERM));
  }
}

TEST_CASE("a dump brings the loopback device, and a single question about nothing is not_found") {
  auto socket = RouteSocket::open();
  REQUIRE(socket.ok());
  NetlinkMessage all(RTM_GETLINK, NLM_F_DUMP);
  all.body(ifinfomsg{});
  int seen = 0;
  CHECK(socket->ask(all, [&] { seen = 0; }, [&](const nlmsghdr&) { ++seen; }).ok());
  CHECK(seen >= 1);
  NetlinkMessage one(RTM_GETLINK, 0);
  one.body(ifinfomsg{}).put_string(IFLA_IFNAME, "no-such-device");
  const auto asked = socket->ask(one, [] {}, [](const nlmsghdr&) {});
  REQUIRE_FALSE(asked.ok());
  CHECK(asked.error().code == Errc::not_found);
}
