#include "tests/contract/round_trips_contract.h"
#include "tests/support/fake_round_trips.h"

using namespace dure;
using namespace dure::host;

namespace {

struct Told : RoundTripListener {
  void on_round_trips(std::vector<MeasuredRoundTrip> measured) override { last = std::move(measured); }
  std::optional<std::vector<MeasuredRoundTrip>> last;
};

}  // namespace

TEST_CASE("round trips: the fake") {
  Told told;
  FakeRoundTrips round_trips(told);
  round_trips.answers(Ipv4{0x0a000001}, 900);
  round_trips.answers(Ipv4{0x0a000002}, 1100);
  contract::RoundTripsWorld world{round_trips, Ipv4{0x0a000001}, Ipv4{0x0a000002}, Ipv4{0x0a000003}, [&](bool) {
    told.last.reset();
    round_trips.round();
    return told.last;
  }};
  contract::round_trips_contract(world);
}
