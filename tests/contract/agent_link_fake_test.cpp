#include "tests/contract/agent_link_contract.h"
#include "tests/support/fake_agent_link.h"

namespace {

using namespace dure;
using namespace dure::testing;

class FakeAgent final : public AgentUnderTest {
 public:
  FakeAgent(control::FakeAgentLink& link, std::string key)
      : link_(link), connection_(link.dial(std::move(key), [this](std::string bytes) { inbox_.put(std::move(bytes)); })) {}
  ~FakeAgent() override { link_.hang_up(connection_); }
  bool say(std::string bytes) override { return link_.speak(connection_, std::move(bytes)); }
  std::optional<std::string> hear() override { return inbox_.next(); }

 private:
  Inbox<std::string> inbox_;
  control::FakeAgentLink& link_;
  control::FakeAgentLink::Connection connection_;
};

class FakeBench final : public AgentLinkBench {
 public:
  control::AgentLink& link() override { return link_; }
  ControlInbox& inbox() override { return inbox_; }
  std::uint64_t refused_messages() override { return link_.refused_messages(); }
  std::string public_key(int number) override { return "key " + std::to_string(number); }
  std::unique_ptr<AgentUnderTest> dial(int number) override {
    return std::make_unique<FakeAgent>(link_, public_key(number));
  }

 private:
  ControlInbox inbox_;
  control::FakeAgentLink link_{inbox_};
};

}  // namespace

TEST_CASE("agent link: traffic over the fake") {
  FakeBench bench;
  check_agent_link_traffic(bench);
}

TEST_CASE("agent link: admission by the fake") {
  FakeBench bench;
  check_agent_link_admission(bench);
}
