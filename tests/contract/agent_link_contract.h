#pragma once

#include <doctest/doctest.h>

#include <memory>
#include <optional>
#include <string>

#include "controlnode/ports/agent_link.h"
#include "protocol/messages/host_report.h"
#include "tests/support/agent_link_inbox.h"

namespace dure::testing {

// One connection of an agent.
class AgentUnderTest {
 public:
  virtual ~AgentUnderTest() = default;
  // Once it is connected; false when that does not happen.
  virtual bool say(std::string bytes) = 0;
  virtual std::optional<std::string> hear() = 0;
};

// An AgentLink with agents that dial it.
class AgentLinkBench {
 public:
  virtual ~AgentLinkBench() = default;
  virtual control::AgentLink& link() = 0;
  virtual ControlInbox& inbox() = 0;
  virtual std::uint64_t refused_messages() = 0;
  // A public key that an agent has; the same for the same number.
  virtual std::string public_key(int number) = 0;
  virtual std::unique_ptr<AgentUnderTest> dial(int number) = 0;
};

inline HostId contract_host(std::uint8_t number) {
  HostId id;
  id.uuid.bytes.fill(number);
  return id;
}

// What every AgentLink does: who hears what.
inline void check_agent_link_traffic(AgentLinkBench& bench) {
  const HostId a = contract_host(0xa);
  const HostId b = contract_host(0xb);
  auto& link = bench.link();
  link.admit({{a, bench.public_key(1)}, {b, bench.public_key(2)}});

  SUBCASE("a message arrives under the host that its key proves") {
    const auto agent_a = bench.dial(1);
    const auto agent_b = bench.dial(2);
    REQUIRE(agent_a->say("from a"));
    CHECK(bench.inbox().next() == Heard{a, "from a"});
    REQUIRE(agent_b->say("from b"));
    CHECK(bench.inbox().next() == Heard{b, "from b"});
  }

  SUBCASE("many at once reach whoever is connected, and the others are left out") {
    const auto agent_a = bench.dial(1);
    REQUIRE(agent_a->say("hello"));
    REQUIRE(bench.inbox().next() == Heard{a, "hello"});
    CHECK(link.send_all({{a, "first"}, {contract_host(0xc), "to nobody"}, {b, "not yet"}, {a, "second"}}) == 2);
    CHECK(agent_a->hear() == "first");
    CHECK(agent_a->hear() == "second");
    CHECK(link.send_all({}) == 0);
  }

  SUBCASE("messages of one host keep their order, bytes and length") {
    const auto agent = bench.dial(1);
    const std::string zero("\0\n\xff", 3);
    for (const auto& bytes : {std::string{}, zero, std::string(kMaxReportBytes, 'r'), std::string("last")}) {
      REQUIRE(agent->say(bytes));
      const auto heard = bench.inbox().next();
      REQUIRE(heard.has_value());
      CHECK(heard->bytes == bytes);
    }
  }

  SUBCASE("a host that has not spoken cannot be reached") {
    const auto agent = bench.dial(1);
    const auto sent = link.send(a, "too early");
    REQUIRE(!sent.ok());
    CHECK(sent.error().code == Errc::unavailable);
    CHECK(link.send(contract_host(0xc), "to nobody").error().code == Errc::unavailable);
  }

  SUBCASE("what is sent reaches its host alone, in order") {
    const auto agent_a = bench.dial(1);
    const auto agent_b = bench.dial(2);
    REQUIRE(agent_a->say("hello"));
    REQUIRE(agent_b->say("hello"));
    REQUIRE(bench.inbox().next().has_value());
    REQUIRE(bench.inbox().next().has_value());
    for (int i = 0; i < 50; ++i) REQUIRE(link.send(a, "for a " + std::to_string(i)).ok());
    REQUIRE(link.send(b, "for b").ok());
    for (int i = 0; i < 50; ++i) CHECK(agent_a->hear() == "for a " + std::to_string(i));
    CHECK(agent_b->hear() == "for b");
  }

  SUBCASE("an agent that dials again is reached on its new connection") {
    auto agent = bench.dial(1);
    REQUIRE(agent->say("first"));
    REQUIRE(bench.inbox().next() == Heard{a, "first"});
    agent.reset();
    agent = bench.dial(1);
    REQUIRE(agent->say("second"));
    REQUIRE(bench.inbox().next() == Heard{a, "second"});
    REQUIRE(link.send(a, "welcome back").ok());
    CHECK(agent->hear() == "welcome back");
  }
}

// What every AgentLink does: who may speak.
inline void check_agent_link_admission(AgentLinkBench& bench) {
  const HostId a = contract_host(0xa);
  const HostId b = contract_host(0xb);
  auto& link = bench.link();
  link.admit({{a, bench.public_key(1)}, {b, bench.public_key(2)}});

  SUBCASE("a host that is no longer admitted is cut off at its next message") {
    const auto agent_a = bench.dial(1);
    const auto agent_b = bench.dial(2);
    REQUIRE(agent_a->say("hello"));
    REQUIRE(bench.inbox().next() == Heard{a, "hello"});
    link.admit({{b, bench.public_key(2)}});
    CHECK(link.send(a, "for the revoked").error().code == Errc::unavailable);
    agent_a->say("after revocation");
    CHECK(eventually([&] { return bench.refused_messages() == 1; }));
    REQUIRE(agent_b->say("still here"));
    CHECK(bench.inbox().next() == Heard{b, "still here"});
    CHECK(bench.inbox().empty());
  }

  SUBCASE("a host whose key was replaced is refused with the former key and heard with the new one") {
    const auto former = bench.dial(1);
    REQUIRE(former->say("hello"));
    REQUIRE(bench.inbox().next() == Heard{a, "hello"});
    link.admit({{a, bench.public_key(3)}, {b, bench.public_key(2)}});
    former->say("with the former key");
    CHECK(eventually([&] { return bench.refused_messages() == 1; }));
    const auto agent = bench.dial(3);
    REQUIRE(agent->say("with the new key"));
    CHECK(bench.inbox().next() == Heard{a, "with the new key"});
    REQUIRE(link.send(a, "for the new").ok());
    CHECK(agent->hear() == "for the new");
    // Its connection is still open.
    former->say("with the former key again");
    CHECK(eventually([&] { return bench.refused_messages() == 2; }));
    REQUIRE(link.send(a, "still for the new").ok());
    CHECK(agent->hear() == "still for the new");
  }

  SUBCASE("from the moment when a host's key is replaced nothing is sent before it has spoken with the new one") {
    const auto former = bench.dial(1);
    REQUIRE(former->say("hello"));
    REQUIRE(bench.inbox().next() == Heard{a, "hello"});
    link.admit({{a, bench.public_key(3)}, {b, bench.public_key(2)}});
    CHECK(link.send(a, "for whom").error().code == Errc::unavailable);
    CHECK(link.send_all({{a, "for whom"}}) == 0);
    const auto agent = bench.dial(3);
    CHECK(link.send(a, "for whom").error().code == Errc::unavailable);
    REQUIRE(agent->say("with the new key"));
    REQUIRE(bench.inbox().next() == Heard{a, "with the new key"});
    REQUIRE(link.send(a, "for the new").ok());
    CHECK(agent->hear() == "for the new");
  }

  SUBCASE("a key that changes hands speaks for its new host at once") {
    const auto agent = bench.dial(3);
    link.admit({{a, bench.public_key(3)}});
    REQUIRE(agent->say("hello"));
    CHECK(bench.inbox().next() == Heard{a, "hello"});
  }

  SUBCASE("of two entries with one key the first holds") {
    link.admit({{a, bench.public_key(1)}, {b, bench.public_key(1)}});
    const auto agent = bench.dial(1);
    REQUIRE(agent->say("who am I"));
    CHECK(bench.inbox().next() == Heard{a, "who am I"});
  }
}

}  // namespace dure::testing
