#include "tests/contract/journal_contract.h"
#include "tests/support/fake_journal.h"

namespace dure::host {
namespace {

class FakeHome : public contract::JournalHome {
 public:
  Journal& start() override { return journal_; }

 private:
  FakeJournal journal_;
};

}  // namespace

std::unique_ptr<contract::JournalHome> contract::make_journal_home() {
  return std::make_unique<FakeHome>();
}

TEST_CASE("fake journal: what fails leaves it as it was, and a lost one is new") {
  FakeJournal journal;
  REQUIRE(journal.accept(contract::mark(1), contract::evidence(1)).ok());
  journal.fail_writes(Errc::no_space);
  CHECK(journal.accept(contract::mark(2), contract::evidence(2)).error().code == Errc::no_space);
  CHECK(journal.oblige(contract::obligation(ObjectKind::vm, 1, 1)).error().code == Errc::no_space);
  CHECK(*journal.accepted() == contract::mark(1));
  CHECK(journal.envelope_sha256() == contract::evidence(1));
  journal.fail_writes({});
  CHECK(journal.accept(contract::mark(2), contract::evidence(2)).ok());
  journal.set_corrupt(true);
  CHECK(journal.accepted().error().code == Errc::corrupt);
  CHECK(journal.obligations().error().code == Errc::corrupt);
  CHECK(journal.accept(contract::mark(3), contract::evidence(3)).error().code == Errc::corrupt);
  journal.lose();
  CHECK(*journal.accepted() == OrderMark{});
}

}  // namespace dure::host
