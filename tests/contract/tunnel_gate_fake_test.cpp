#include "tests/contract/tunnel_gate_contract.h"
#include "tests/support/fake_tunnel_gate.h"

TEST_CASE("tunnel gate: the fake") {
  dure::control::FakeTunnelGate gate;
  gate.clusters = {"demo"};
  gate.plain = {"vms"};
  dure::control::contract::check_tunnel_gate(gate);
}
