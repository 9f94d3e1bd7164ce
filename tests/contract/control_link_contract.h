#pragma once

#include <doctest/doctest.h>

#include <optional>
#include <string>

#include "hostagent/ports/control_link.h"
#include "tests/support/agent_link_inbox.h"

namespace dure::testing {

// A ControlLink and the control node that it dials, which is off at first.
class ControlLinkBench {
 public:
  virtual ~ControlLinkBench() = default;
  virtual host::ControlLink& link() = 0;
  virtual HostInbox& inbox() = 0;
  virtual void start_control_node() = 0;
  virtual void stop_control_node() = 0;
  virtual std::optional<std::string> control_node_hears() = 0;
  // To the agent that spoke last.
  virtual void control_node_says(std::string bytes) = 0;
};

// What every ControlLink does.
inline void check_control_link(ControlLinkBench& bench) {
  auto& link = bench.link();
  const auto say = [&link](const std::string& bytes) {
    return eventually([&] { return link.send(bytes).ok(); });
  };

  SUBCASE("without a control node nothing is taken, and nothing of it arrives later") {
    const auto sent = link.send("too early");
    REQUIRE(!sent.ok());
    CHECK(sent.error().code == Errc::unavailable);
    bench.start_control_node();
    REQUIRE(say("hello"));
    CHECK(bench.control_node_hears() == "hello");
  }

  SUBCASE("messages arrive in both directions, in order") {
    bench.start_control_node();
    REQUIRE(say("hello"));
    REQUIRE(bench.control_node_hears() == "hello");
    for (int i = 0; i < 40; ++i) REQUIRE(link.send("report " + std::to_string(i)).ok());
    for (int i = 0; i < 40; ++i) CHECK(bench.control_node_hears() == "report " + std::to_string(i));
    for (int i = 0; i < 40; ++i) bench.control_node_says("order " + std::to_string(i));
    for (int i = 0; i < 40; ++i) CHECK(bench.inbox().next() == "order " + std::to_string(i));
  }

  SUBCASE("messages handed over together arrive in order") {
    CHECK(bench.link().send_all({"too early"}) == 0);
    bench.start_control_node();
    REQUIRE(say("hello"));
    REQUIRE(bench.control_node_hears() == "hello");
    CHECK(link.send_all({"one", "two", "three"}) == 3);
    CHECK(link.send_all({}) == 0);
    for (const char* expected : {"one", "two", "three"}) CHECK(bench.control_node_hears() == expected);
  }

  SUBCASE("after the control node was away the agent is connected again") {
    bench.start_control_node();
    REQUIRE(say("hello"));
    REQUIRE(bench.control_node_hears() == "hello");
    bench.stop_control_node();
    CHECK(eventually([&] { return !link.send("into the void").ok(); }));
    bench.start_control_node();
    REQUIRE(say("again"));
    CHECK(bench.control_node_hears() == "again");
    bench.control_node_says("welcome back");
    CHECK(bench.inbox().next() == "welcome back");
  }
}

}  // namespace dure::testing
