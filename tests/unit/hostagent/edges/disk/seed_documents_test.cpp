#include "hostagent/edges/disk/seed_documents.h"

#include <doctest/doctest.h>

#include <boost/json.hpp>

#include "tests/unit/hostagent/edges/golden.h"

using namespace dure;
using namespace dure::host;

namespace {

NetworkSpec network() {
  NetworkSpec spec;
  spec.prefix = *Ipv4Prefix::parse("10.1.2.0/24");
  spec.gateway = *Ipv4::parse("10.1.2.1");
  spec.mtu = 1450;
  return spec;
}

VmSpec vm() {
  VmSpec spec;
  spec.id = *NodeId::parse("5eed0000-0000-4000-8000-000000000001");
  spec.generation = 2;
  spec.mac = *Mac::parse("52:54:00:12:34:56");
  spec.address = *Ipv4::parse("10.1.2.3");
  spec.guest.hostname = "demo-w1";
  spec.guest.user = "dure";
  spec.guest.ssh_public_keys = {"ssh-ed25519 AAAAC3Nz demo \"quoted\" \\ <&'>"};
  spec.guest.hosts = {{*Ipv4::parse("10.1.2.2"), "demo-cp1"}, {*Ipv4::parse("10.1.2.3"), "demo-w1"}};
  spec.guest.nameservers = {*Ipv4::parse("10.1.2.1"), *Ipv4::parse("9.9.9.9")};
  return spec;
}

template <class Change>
Errc refusal(Change change) {
  VmSpec spec = vm();
  change(spec.guest);
  const auto made = seed_documents(spec, network());
  REQUIRE_FALSE(made.ok());
  return made.error().code;
}

}  // namespace

TEST_CASE("seed: the three documents are as they always were") {
  const auto made = seed_documents(vm(), network());
  REQUIRE(made.ok());
  check_golden("seed/user-data", made->user_data);
  check_golden("seed/meta-data", made->meta_data);
  check_golden("seed/network-config", made->network_config);
}

TEST_CASE("seed: a key with quotes and backslashes comes through unchanged") {
  const auto made = seed_documents(vm(), network());
  REQUIRE(made.ok());
  REQUIRE(made->user_data.starts_with("#cloud-config\n"));
  const auto root = boost::json::parse(made->user_data.substr(made->user_data.find('\n')));
  CHECK(root.at("users").at(0).at("ssh_authorized_keys").at(0).as_string() ==
        vm().guest.ssh_public_keys[0].c_str());
}

TEST_CASE("seed: each generation is a new instance to cloud-init") {
  VmSpec newer = vm();
  newer.generation = 3;
  CHECK(seed_documents(vm(), network())->meta_data != seed_documents(newer, network())->meta_data);
}

TEST_CASE("seed: names and keys that could mean something else in the guest are refused") {
  for (const char* name : {"", "a b", "a\n10.0.0.1 b", "-a", "a-", "a_b", "a#b", "\xc3\xa9", "a\tb"}) {
    CHECK(refusal([&](GuestConfig& guest) { guest.hostname = name; }) == Errc::invalid_argument);
    CHECK(refusal([&](GuestConfig& guest) { guest.hosts[0].name = name; }) == Errc::invalid_argument);
  }
  CHECK(refusal([](GuestConfig& guest) { guest.hostname = std::string(254, 'a'); }) == Errc::invalid_argument);
  for (const char* user : {"", "Root", "a:b", "0a", "a\n", "-a", "a b"})
    CHECK(refusal([&](GuestConfig& guest) { guest.user = user; }) == Errc::invalid_argument);
  for (const char* key : {"", "command=\"x\" ssh-ed25519 AAAA", "ssh-ed25519 A\nssh-rsa B", "ssh-rsa \xc3",
                          "ssh-ed25519 AAAA lab\u200eadmin", " ssh-ed25519 AAAA"})
    CHECK(refusal([&](GuestConfig& guest) { guest.ssh_public_keys.push_back(key); }) == Errc::invalid_argument);
}

TEST_CASE("seed: a key's comment may be in any language") {
  VmSpec korean = vm();
  korean.guest.ssh_public_keys = {"ssh-ed25519 AAAAC3NzaC1lZDI1NTE5AAAAICC3JNd5wIe53ZLHWjKGoimatNU7dIl9eP9h/oZELaXl 홍길동@노트북"};
  const auto documents = seed_documents(korean, network());
  REQUIRE(documents.ok());
  CHECK(documents->user_data.find("홍길동@노트북") != std::string::npos);
}
