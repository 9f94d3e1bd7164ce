#include "tests/contract/api_contract.h"
#include "tests/support/fake_api.h"

namespace dure::control::contract {
namespace {

class FakeWorld : public ApiWorld {
 public:
  Api& api() override { return api_; }
  void settle() override {}
  void set_away(bool away) override { api_.set_away(away); }

 private:
  FakeApi api_;
};

}  // namespace

std::unique_ptr<ApiWorld> make_api_world() { return std::make_unique<FakeWorld>(); }

}  // namespace dure::control::contract
