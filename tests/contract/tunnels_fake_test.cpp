#include "tests/contract/tunnels_contract.h"
#include "tests/support/fake_tunnels.h"

using namespace dure;
using namespace dure::host;

TEST_CASE("tunnels: the fake") {
  FakeTunnels tunnels;
  contract::TunnelsWorld world{tunnels, Ipv4{0x7f000001},
                               [&](const NodeId& node) { return tunnels.lets_through_to(node); }};
  contract::tunnels_contract(world);
}
