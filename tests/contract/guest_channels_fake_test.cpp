#include <doctest/doctest.h>

#include "tests/contract/guest_channels_contract.h"
#include "tests/support/fake_guest_channels.h"

using namespace dure;
using namespace dure::host;

namespace {

contract::GuestWorld world_of(FakeGuestChannels& fake, contract::RecordingGuestListener& listener) {
  const auto tell = [&](const std::string& path, GuestStatus status) { CHECK(fake.say(path, std::move(status))); };
  return {fake, listener, "a", "b",
          [=](const std::string& path, const std::string& stage) { tell(path, contract::status_of(stage, "")); },
          tell, [&](const std::string& path) { return fake.given(path); }};
}

}  // namespace

TEST_CASE("the fake guest channels keep the contract") {
  contract::RecordingGuestListener listener;
  FakeGuestChannels fake(listener);
  auto world = world_of(fake, listener);
  contract::guest_channels_contract(world);
  CHECK(fake.watched().empty());
}

TEST_CASE("the fake guest channels give documents as the contract says") {
  contract::RecordingGuestListener listener;
  FakeGuestChannels fake(listener);
  auto world = world_of(fake, listener);
  contract::guest_documents_contract(world, &FakeGuestChannels::revision_of);
  CHECK(fake.given("b").empty());
}

TEST_CASE("what an unwatched guest says is lost") {
  contract::RecordingGuestListener listener;
  FakeGuestChannels fake(listener);
  CHECK_FALSE(fake.say("a", {}));
  CHECK(listener.count() == 0);
}
