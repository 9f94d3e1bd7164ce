#include <doctest/doctest.h>

#include "tests/contract/guest_channels_contract.h"
#include "tests/support/fake_guest_channels.h"

using namespace dure;
using namespace dure::host;

TEST_CASE("the fake guest channels keep the contract") {
  contract::RecordingGuestListener listener;
  FakeGuestChannels fake(listener);
  contract::GuestWorld world{fake, listener, "a", "b",
                             [&](const std::string& path, const std::string& stage) {
                               CHECK(fake.say(path, {{{stage, 1}}, ""}));
                             }};
  contract::guest_channels_contract(world);
  CHECK(fake.watched().empty());
}

TEST_CASE("what an unwatched guest says is lost") {
  contract::RecordingGuestListener listener;
  FakeGuestChannels fake(listener);
  CHECK_FALSE(fake.say("a", {}));
  CHECK(listener.count() == 0);
}
