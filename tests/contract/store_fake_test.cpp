#include "tests/contract/store_contract.h"
#include "tests/contract/store_records_contract.h"
#include "tests/contract/store_rules_contract.h"
#include "tests/support/fake_store.h"

namespace dure::control {

std::unique_ptr<Store> contract::make_store() { return std::make_unique<FakeStore>(); }

TEST_CASE("fake store: a commit fails once in the way that was asked for") {
  using Fault = FakeStore::Fault;
  const std::vector<Change> changes{contract::Sample{}.site};
  FakeStore store;
  const auto epoch = *store.take_lead("one", 0);

  store.fail_next_commit(Fault::unavailable);
  CHECK(store.commit(epoch, changes).error().code == Errc::unavailable);
  CHECK(store.stored().sites.empty());
  store.fail_next_commit(Fault::in_doubt_not_applied);
  CHECK(store.commit(epoch, changes).error().code == Errc::in_doubt);
  CHECK(store.stored().sites.empty());
  store.fail_next_commit(Fault::in_doubt_applied);
  CHECK(store.commit(epoch, changes).error().code == Errc::in_doubt);
  CHECK(store.stored().sites.size() == 1);
  CHECK(store.commit(epoch, changes).ok());

  store.set_down(true);
  CHECK(store.load().error().code == Errc::unavailable);
  CHECK(store.commit(epoch, changes).error().code == Errc::unavailable);
  store.set_down(false);
  CHECK(store.load().ok());
}

}  // namespace dure::control
