#include <map>

#include "controlnode/edges/zmq/curve_keys.h"
#include "controlnode/edges/zmq/zmq_agent_link.h"
#include "hostagent/edges/zmq/zmq_control_link.h"
#include "tests/contract/agent_link_contract.h"

namespace {

using namespace dure;
using namespace dure::testing;

// The real agent's edge, over loopback and under real CURVE.
class ZmqAgent final : public AgentUnderTest {
 public:
  explicit ZmqAgent(const host::ZmqControlLinkOptions& options) {
    auto made = host::ZmqControlLink::create(options, inbox_);
    REQUIRE(made.ok());
    link_ = std::move(made).value();
  }
  bool say(std::string bytes) override {
    return eventually([&] { return link_->send(bytes).ok(); });
  }
  std::optional<std::string> hear() override { return inbox_.next(); }

 private:
  HostInbox inbox_;
  std::unique_ptr<host::ZmqControlLink> link_;
};

class ZmqBench final : public AgentLinkBench {
 public:
  ZmqBench() {
    auto keys = control::generate_curve_keys();
    REQUIRE(keys.ok());
    server_key_ = keys->public_key;
    auto made = control::ZmqAgentLink::create({"tcp://127.0.0.1:*", keys->secret_key}, inbox_);
    REQUIRE(made.ok());
    link_ = std::move(made).value();
  }
  control::AgentLink& link() override { return *link_; }
  ControlInbox& inbox() override { return inbox_; }
  std::uint64_t refused_messages() override { return link_->refused_messages(); }
  std::string public_key(int number) override { return keys_of(number).public_key; }
  std::unique_ptr<AgentUnderTest> dial(int number) override {
    return std::make_unique<ZmqAgent>(
        host::ZmqControlLinkOptions{link_->endpoint(), keys_of(number).secret_key, server_key_});
  }

 private:
  const control::CurveKeyPair& keys_of(int number) {
    auto found = keys_.find(number);
    if (found == keys_.end()) {
      auto made = control::generate_curve_keys();
      REQUIRE(made.ok());
      found = keys_.emplace(number, std::move(made).value()).first;
    }
    return found->second;
  }

  ControlInbox inbox_;
  std::string server_key_;
  std::map<int, control::CurveKeyPair> keys_;
  std::unique_ptr<control::ZmqAgentLink> link_;
};

}  // namespace

TEST_CASE("agent link: traffic over ZeroMQ") {
  ZmqBench bench;
  check_agent_link_traffic(bench);
}

TEST_CASE("agent link: admission by ZeroMQ") {
  ZmqBench bench;
  check_agent_link_admission(bench);
}

TEST_CASE("agent link: a host that is admitted while its agent is dialling gets in without a restart") {
  ZmqBench bench;
  const auto agent = bench.dial(1);
  const auto stranger = bench.dial(2);
  bench.link().admit({{contract_host(2), bench.public_key(2)}});
  // By now the first agent was refused at least as often as the second was let in.
  REQUIRE(stranger->say("in"));
  REQUIRE(bench.inbox().next() == Heard{contract_host(2), "in"});
  bench.link().admit({{contract_host(1), bench.public_key(1)}});
  REQUIRE(agent->say("in at last"));
  CHECK(bench.inbox().next() == Heard{contract_host(1), "in at last"});
}

TEST_CASE("agent link: agents find a control node that was started again") {
  const auto keys = control::generate_curve_keys();
  const auto agent_keys = control::generate_curve_keys();
  REQUIRE((keys.ok() && agent_keys.ok()));
  const std::vector<control::AdmittedHost> admitted = {{contract_host(1), agent_keys->public_key}};
  ControlInbox inbox;
  auto link = control::ZmqAgentLink::create({"tcp://127.0.0.1:*", keys->secret_key}, inbox);
  REQUIRE(link.ok());
  (*link)->admit(admitted);
  const auto endpoint = (*link)->endpoint();
  ZmqAgent agent({endpoint, agent_keys->secret_key, keys->public_key});
  REQUIRE(agent.say("before"));
  REQUIRE(inbox.next() == Heard{contract_host(1), "before"});
  link = Error{};
  auto again = control::ZmqAgentLink::create({endpoint, keys->secret_key}, inbox);
  REQUIRE(again.ok());
  (*again)->admit(admitted);
  REQUIRE(agent.say("after"));
  CHECK(inbox.next() == Heard{contract_host(1), "after"});
  REQUIRE((*again)->send(contract_host(1), "welcome").ok());
  CHECK(agent.hear() == "welcome");
}
