#pragma once

#include <doctest/doctest.h>

#include <functional>

#include "hostagent/ports/tunnels.h"

namespace dure::host::contract {

inline NodeId tunnel_node(std::uint8_t n) {
  NodeId id;
  id.uuid.bytes.fill(n);
  return id;
}

struct TunnelsWorld {
  Tunnels& tunnels;
  Ipv4 address;  // of a server
  // Whether a stream that is asked for now comes about.
  std::function<bool(const NodeId&)> opens;
};

inline void tunnels_contract(TunnelsWorld& world) {
  const auto first = tunnel_node(1), second = tunnel_node(2);
  INFO("nobody is reached before an order was accepted");
  CHECK(!world.opens(first));
  world.tunnels.allow({{first, world.address}, {second, world.address}});
  CHECK(world.opens(first));
  CHECK(world.opens(second));
  CHECK(!world.opens(tunnel_node(3)));
  INFO("the list is replaced, not added to");
  world.tunnels.allow({{second, world.address}});
  CHECK(!world.opens(first));
  CHECK(world.opens(second));
  world.tunnels.allow({});
  CHECK(!world.opens(second));
}

}  // namespace dure::host::contract
