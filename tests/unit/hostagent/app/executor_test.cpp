#include "hostagent/app/executor.h"

#include <doctest/doctest.h>

#include "tests/support/host_order_sample.h"

namespace dure::host {

TEST_CASE("executor: every failure has a stable reason code") {
  const auto order = sample_order();
  const HostOp fetch = FetchBlob{order.images[0].disk};
  const HostOp start = StartVm{order.vms[0], order.images[0], order.networks[0], order.order};
  const HostOp apply = ApplyNetwork{order.networks[0]};
  CHECK(failure_code(fetch, Errc::corrupt) == FailureCode::image_digest);
  CHECK(failure_code(fetch, Errc::unavailable) == FailureCode::image_fetch);
  CHECK(failure_code(fetch, Errc::no_space) == FailureCode::no_space);
  CHECK(failure_code(start, Errc::unavailable) == FailureCode::hypervisor_away);
  CHECK(failure_code(start, Errc::already_exists) == FailureCode::identity);
  CHECK(failure_code(start, Errc::internal) == FailureCode::hypervisor);
  CHECK(failure_code(apply, Errc::internal) == FailureCode::network);
  CHECK(failure_code(start, Errc::internal, true) == FailureCode::seed);
  CHECK(failure_code(start, Errc::no_space, true) == FailureCode::no_space);
}

TEST_CASE("executor: a guest's socket is named by its id only") {
  CHECK(channel_path("/run/x", sample_order().vms[0].id) ==
        "/run/x/00000000-0000-0000-0000-000000000006.sock");
}

}  // namespace dure::host
