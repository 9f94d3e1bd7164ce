#pragma once

#include <chrono>
#include <memory>
#include <string_view>

#include "common/ports.h"
#include "common/result.h"
#include "hostagent/ports/round_trips.h"

namespace dure::host {

struct IcmpRoundTripsOptions {
  std::chrono::milliseconds every = std::chrono::seconds(60);
  std::uint32_t echoes = 5;                              // to each target in one measurement
  std::chrono::milliseconds apart = std::chrono::milliseconds(200);
  std::chrono::milliseconds wait = std::chrono::seconds(1);  // for the last answers
};

// One thread that sends ICMP echoes and waits for their answers; nothing listens for what was not
// asked. An answer counts once, if it comes from whom it was asked of and has the question's secret,
// drawn anew for each.
class IcmpRoundTrips : public RoundTrips {
 public:
  // `source`: the underlay's address, to ask from: clusters' segments run over it. `listener` and
  // `random` must outlive the object; both are used from the object's own thread.
  static Result<std::unique_ptr<IcmpRoundTrips>> start(RoundTripListener& listener, Random& random,
                                                       std::string_view source, IcmpRoundTripsOptions options = {});
  ~IcmpRoundTrips() override;

  void measure(std::vector<RoundTripTarget> targets) override;

 private:
  class Loop;
  explicit IcmpRoundTrips(std::unique_ptr<Loop> loop);
  std::unique_ptr<Loop> loop_;
};

}  // namespace dure::host
