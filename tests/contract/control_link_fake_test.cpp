#include "tests/contract/control_link_contract.h"
#include "tests/support/fake_control_link.h"

namespace {

using namespace dure;
using namespace dure::testing;

class FakeBench final : public ControlLinkBench {
 public:
  host::ControlLink& link() override { return link_; }
  HostInbox& inbox() override { return inbox_; }
  void start_control_node() override { link_.set_connected(true); }
  void stop_control_node() override { link_.set_connected(false); }
  std::optional<std::string> control_node_hears() override { return heard_.next(); }
  void control_node_says(std::string bytes) override { link_.deliver(std::move(bytes)); }

 private:
  HostInbox inbox_;
  Inbox<std::string> heard_;
  host::FakeControlLink link_{inbox_, [this](std::string bytes) { heard_.put(std::move(bytes)); }};
};

}  // namespace

TEST_CASE("control link: the fake") {
  FakeBench bench;
  check_control_link(bench);
}
