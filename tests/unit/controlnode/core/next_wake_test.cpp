#include "controlnode/core/next_wake.h"

#include <doctest/doctest.h>

#include "controlnode/core/kept.h"
#include "tests/support/model_builder.h"

using namespace dure;
using namespace dure::control;
using namespace dure::control::test;

TEST_CASE("next wake: what is made after a look is due in time, and what is over is due until the next look") {
  Campus campus;
  Kept kept;
  campus.kept = &kept;
  campus.site("east");
  const HostId host = campus.host("pc-1", "east");
  campus.catalog();
  CHECK(campus.tick().wake_at == steady(seconds_in(15)));
  campus.now = seconds_in(10);
  campus.report(host);
  campus.create("demo", 1, 0);
  CHECK(campus.last.wake_at == steady(seconds_in(15)));  // its host might have fallen silent, when it was looked last
  campus.now = seconds_in(20);
  campus.report(host, 4);
  REQUIRE(campus.node("demo-cp1")->state == NodeState::ready);
  CHECK(campus.last.wake_at == steady(seconds_in(15)));
  CHECK(campus.tick().wake_at == steady(seconds_in(35)));
}

TEST_CASE("next wake: the rules that a tick goes by") {
  Node node;
  node.state = NodeState::creating;
  CHECK(watched(node));
  CHECK_FALSE(waits(node));
  node.deadline = SteadyPoint{1};
  CHECK(waits(node));
  node.state = NodeState::failed;
  CHECK_FALSE(watched(node));
  CHECK_FALSE(waits(node));
  Model model;
  IdempotencyRecord record;
  CHECK(expires(model, record));
  model.operations[record.operation].state = OperationState::running;
  CHECK_FALSE(expires(model, record));
  model.operations[record.operation].state = OperationState::failed;
  CHECK(expires(model, record));
}
